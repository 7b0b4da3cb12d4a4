# Verifies AuthKeys and results with CryptX. The part above the dashes is for your server.
use v5.14;
use warnings;
use Crypt::PK::RSA;
use CryptX;
use JSON::PP qw(decode_json);

sub require_that {
    my ($condition, $check) = @_;
    die { refused => $check } unless $condition;
}

sub is_signed {
    my ($text, $signature, $key, $salt_length) = @_;
    # Without the last argument the length is 12.
    return $key->verify_message($signature, $text, 'SHA256', 'pss', $salt_length);
}

# At upload. $ask is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey.
sub accept_auth_key {
    my ($ask, $text, $signature) = @_;
    require_that(is_signed($text, $signature, $ask->{key}, $ask->{saltLength}), 'auth-key-signature');
    # Huawei's exports have line feeds inside a string, which JSON does not allow.
    my $export = decode_json($text =~ s/\n/\\n/gr);
    my $key = Crypt::PK::RSA->new(\$export->{pub_key});
    my ($numbers, $salt_length) = ($key->key2hash, $export->{rsa_pss_saltlen} // 20);
    my $is_strong = $numbers->{N} =~ /^[89A-F][0-9A-F]{511}$/i && hex($numbers->{e}) == 65537;
    require_that($is_strong && $salt_length =~ /^(20|32)\z/, 'auth-key-strength');
    require_that($export->{cpu_id} eq $ask->{cpuId} && $export->{uid} eq $ask->{uid}, 'auth-key-owner');
    require_that($export->{counter} =~ /^\d{1,15}\z/ && $export->{counter} > $ask->{counter}, 'auth-key-counter');
    return { key => $key, saltLength => $salt_length, cpuId => $export->{cpu_id}, uid => $export->{uid} };
}

# At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step.
sub check_result {
    my ($auth_key, $text, $signature, $challenge, $highest_counter) = @_;
    # The bytes as they came, and the salt length of the key, not that of the message.
    require_that(is_signed($text, $signature, $auth_key->{key}, $auth_key->{saltLength}), 'result-signature');
    my $result = decode_json($text);
    require_that(($result->{rsa_pss_saltlen} // 20) eq $auth_key->{saltLength}, 'result-salt');
    require_that($result->{cpu_id} eq $auth_key->{cpuId} && $result->{uid} eq $auth_key->{uid}, 'result-owner');
    require_that($result->{raw} eq $challenge, 'challenge');
    require_that($result->{counter} =~ /^\d{1,15}\z/ && $result->{counter} > $highest_counter, 'counter');
    return $result->{counter};
}

# ----- The cases of `soter-sim vectors DIR`.

sub read_file {
    my ($name) = @_;
    open(my $file, '<:raw', "$ARGV[0]/$name") or die "$name: $!\n";
    local $/;
    return <$file>;
}

sub refused_by {
    my ($case) = @_;
    my $ask = $case->{ask};
    my ($auth_key, $result) = map { [read_file($_->{json}), read_file($_->{signature})] } $case->{authKey}, $case->{result};
    my $done = eval {
        require_that($ask->{verified}, 'ask');
        $ask->{key} = Crypt::PK::RSA->new(\read_file($ask->{key}));
        my $known = accept_auth_key($ask, @$auth_key);
        check_result($known, @$result, $case->{challenge}, $case->{highestCounter});
        1;
    };
    return if $done;
    die $@ unless ref $@ eq 'HASH';
    return $@->{refused};
}

say "library: CryptX $CryptX::VERSION, Perl ", $^V =~ s/^v//r;
my $code = 0;
for my $case (@{ decode_json(read_file('manifest.json'))->{cases} }) {
    my $check = refused_by($case);
    say "$case->{name}: ", $check // 'accepted';
    $code = 1 unless ($check // '') eq ($case->{refusedBy} // '');
}
exit $code;
