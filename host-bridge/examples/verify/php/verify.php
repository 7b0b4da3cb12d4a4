<?php
// Verifies AuthKeys and results with phpseclib 3. The part above the dashes is for your server.
declare(strict_types=1);

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Crypt\RSA;

// Composer's, or Debian's (package php-phpseclib3).
require getenv('AUTOLOAD') ?: '/usr/share/php/phpseclib3/autoload.php';

final class Refused extends Exception {}

function require_that(bool $condition, string $check): void
{
    if (!$condition) {
        throw new Refused($check);
    }
}

function is_signed(string $text, string $signature, RSA\PublicKey $key, int $salt_length): bool
{
    return $key->withPadding(RSA::SIGNATURE_PSS)->withHash('sha256')->withMGFHash('sha256')
        ->withSaltLength($salt_length)->verify($text, $signature);
}

/** At upload. $ask is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey. */
function accept_auth_key(array $ask, string $text, string $signature): array
{
    require_that(is_signed($text, $signature, $ask['key'], $ask['saltLength']), 'auth-key-signature');
    // Huawei's exports have line feeds inside a string, which JSON does not allow.
    $export = json_decode(str_replace("\n", '\n', $text), true, 512, JSON_THROW_ON_ERROR);
    $key = PublicKeyLoader::loadPublicKey($export['pub_key']);
    $salt_length = $export['rsa_pss_saltlen'] ?? 20;
    $is_strong = $key instanceof RSA\PublicKey && $key->getLength() === 2048
        && (string) $key->toString('Raw')['e'] === '65537';
    require_that($is_strong && in_array($salt_length, [20, 32], true), 'auth-key-strength');
    require_that($export['cpu_id'] === $ask['cpuId'] && $export['uid'] === $ask['uid'], 'auth-key-owner');
    require_that(is_int($export['counter']) && $export['counter'] > $ask['counter'], 'auth-key-counter');
    return ['key' => $key, 'saltLength' => $salt_length, 'cpuId' => $export['cpu_id'], 'uid' => $export['uid']];
}

/** At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step. */
function check_result(array $auth_key, string $text, string $signature, string $challenge, int $highest_counter): int
{
    // The bytes as they came, and the salt length of the key, not that of the message.
    require_that(is_signed($text, $signature, $auth_key['key'], $auth_key['saltLength']), 'result-signature');
    $result = json_decode($text, true, 512, JSON_THROW_ON_ERROR);
    require_that(($result['rsa_pss_saltlen'] ?? 20) === $auth_key['saltLength'], 'result-salt');
    require_that($result['cpu_id'] === $auth_key['cpuId'] && $result['uid'] === $auth_key['uid'], 'result-owner');
    require_that($result['raw'] === $challenge, 'challenge');
    require_that(is_int($result['counter']) && $result['counter'] > $highest_counter, 'counter');
    return $result['counter'];
}

// ----- The cases of `soter-sim vectors DIR`.

$read = fn (string $name): string => file_get_contents("{$argv[1]}/$name");
$signed = fn (array $part): array => [$read($part['json']), $read($part['signature'])];

function installed_version(): string
{
    if (class_exists(Composer\InstalledVersions::class)) {
        return Composer\InstalledVersions::getPrettyVersion('phpseclib/phpseclib');
    }
    return exec("dpkg-query --show --showformat='\${Version}' php-phpseclib3");
}

echo 'library: phpseclib ', installed_version(), ', PHP ', PHP_VERSION, "\n";
$code = 0;
foreach (json_decode($read('manifest.json'), true, 512, JSON_THROW_ON_ERROR)['cases'] as $case) {
    $check = null;
    try {
        require_that($case['ask']['verified'], 'ask');
        $ask_key = PublicKeyLoader::loadPublicKey($read($case['ask']['key']));
        $auth_key = accept_auth_key(['key' => $ask_key] + $case['ask'], ...$signed($case['authKey']));
        check_result($auth_key, ...[...$signed($case['result']), $case['challenge'], $case['highestCounter']]);
    } catch (Refused $refused) {
        $check = $refused->getMessage();
    }
    echo $case['name'], ': ', $check ?? 'accepted', "\n";
    $code = $check === $case['refusedBy'] ? $code : 1;
}
exit($code);
