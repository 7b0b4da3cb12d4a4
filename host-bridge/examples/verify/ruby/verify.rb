# Verifies AuthKeys and results with Ruby's openssl. The part above the dashes is for your server.
require 'json'
require 'openssl'

class Refused < StandardError; end

def require_that(condition, check)
  raise Refused, check unless condition
end

def signed?(text, signature, key, salt_length)
  key.verify_pss('SHA256', signature, text, salt_length: salt_length, mgf1_hash: 'SHA256')
end

# At upload. `ask` is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey.
def accept_auth_key(ask, text, signature)
  require_that(signed?(text, signature, ask['key'], ask['saltLength']), 'auth-key-signature')
  # Huawei's exports have line feeds inside a string, which JSON does not allow.
  export = JSON.parse(text.gsub("\n", '\n'))
  key = OpenSSL::PKey.read(export['pub_key'])
  salt_length = export.fetch('rsa_pss_saltlen', 20)
  strong = key.is_a?(OpenSSL::PKey::RSA) && key.n.num_bits == 2048 && key.e == 65_537
  require_that(strong && [20, 32].include?(salt_length), 'auth-key-strength')
  require_that(export.values_at('cpu_id', 'uid') == ask.values_at('cpuId', 'uid'), 'auth-key-owner')
  require_that(export['counter'].is_a?(Integer) && export['counter'] > ask['counter'], 'auth-key-counter')
  { 'key' => key, 'saltLength' => salt_length, 'cpuId' => export['cpu_id'], 'uid' => export['uid'] }
end

# At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step.
def check_result(auth_key, text, signature, challenge, highest_counter)
  # The bytes as they came, and the salt length of the key, not that of the message.
  require_that(signed?(text, signature, auth_key['key'], auth_key['saltLength']), 'result-signature')
  result = JSON.parse(text)
  require_that(result.fetch('rsa_pss_saltlen', 20) == auth_key['saltLength'], 'result-salt')
  require_that(result.values_at('cpu_id', 'uid') == auth_key.values_at('cpuId', 'uid'), 'result-owner')
  require_that(result['raw'] == challenge, 'challenge')
  require_that(result['counter'].is_a?(Integer) && result['counter'] > highest_counter, 'counter')
  result['counter']
end

# ----- The cases of `soter-sim vectors DIR`.

read = ->(name) { File.binread(File.join(ARGV.fetch(0), name)) }
text_and_signature = ->(part) { [read[part['json']].force_encoding('UTF-8'), read[part['signature']]] }

puts "library: openssl #{OpenSSL::VERSION} of Ruby #{RUBY_VERSION}, #{OpenSSL::OPENSSL_LIBRARY_VERSION[/OpenSSL \S+/]}"
as_expected = JSON.parse(read['manifest.json'].force_encoding('UTF-8'))['cases'].map do |test|
  check = begin
    ask = test['ask']
    require_that(ask['verified'], 'ask')
    ask = ask.merge('key' => OpenSSL::PKey.read(read[ask['key']]))
    auth_key = accept_auth_key(ask, *text_and_signature[test['authKey']])
    check_result(auth_key, *text_and_signature[test['result']], test['challenge'], test['highestCounter'])
    nil
  rescue Refused => refused
    refused.message
  end
  puts "#{test['name']}: #{check || 'accepted'}"
  check == test['refusedBy']
end
exit(as_expected.all?)
