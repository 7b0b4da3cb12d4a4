<?php
// Gift cards: a card with a greeting is bought by fingerprint. The greeting is signed together with the card.

const SESSION_SECONDS = 7200;
const CARD_SECONDS = 300;

function finish(int $ret, array $more = []): never
{
    header('Content-Type: application/json; charset=utf-8');
    echo json_encode(['ret' => $ret] + $more, JSON_UNESCAPED_UNICODE);
    exit;
}

final class Store
{
    private $file;
    public array $data;

    public function __construct()
    {
        $this->file = fopen(sys_get_temp_dir() . '/gift-cards.json', 'c+');
        flock($this->file, LOCK_EX);
        $this->data = json_decode(stream_get_contents($this->file), true) ?? ['sessions' => [], 'cards' => [], 'phones' => []];
    }

    public function save(): void
    {
        rewind($this->file);
        ftruncate($this->file, 0);
        fwrite($this->file, json_encode($this->data));
    }
}

final class WeChat
{
    public static function ask(string $path, ?array $body = null): array
    {
        $options = ['timeout' => 5, 'ignore_errors' => true];
        if ($body !== null) {
            $options += ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($body, JSON_UNESCAPED_UNICODE)];
        }
        $text = @file_get_contents(getenv('SOTER_SIM_URL') . $path, false, stream_context_create(['http' => $options]));
        $answer = $text === false ? null : json_decode($text, true);
        return is_array($answer) ? $answer : finish(502);
    }

    public static function confirms(string $openid, string $json, string $signature): bool
    {
        $grant = ['grant_type' => 'client_credential', 'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET')];
        $token = self::ask('/cgi-bin/stable_token', $grant)['access_token'] ?? finish(502);
        $answer = self::ask('/cgi-bin/soter/verify_signature?access_token=' . urlencode($token), [
            'openid' => $openid, 'json_string' => $json, 'json_signature' => $signature,
        ]);
        return empty($answer['errcode']) && ($answer['is_ok'] ?? null) === true;
    }
}

function text(string $name, int $longest = 8192): string
{
    $value = $_POST[$name] ?? null;
    return is_string($value) && $value !== '' && strlen($value) <= $longest ? $value : finish(400, ['field' => $name]);
}

$store = new Store();
$action = $_GET['a'] ?? '';

if ($action === 'login') {
    $query = http_build_query([
        'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
        'js_code' => text('code'), 'grant_type' => 'authorization_code',
    ]);
    $openid = WeChat::ask("/sns/jscode2session?$query")['openid'] ?? finish(401);
    $skey = bin2hex(random_bytes(24));
    $store->data['sessions'][$skey] = ['openid' => $openid, 'until' => time() + SESSION_SECONDS];
    $store->save();
    finish(0, ['skey' => $skey]);
}

$session = $store->data['sessions'][text('skey')] ?? null;
if (!$session || $session['until'] < time()) {
    finish(401);
}

if ($action === 'card') {
    $greeting = text('greeting', 100);
    $id = bin2hex(random_bytes(8));
    $card = ['openid' => $session['openid'], 'challenge' => "$id/10000/" . bin2hex(random_bytes(16)) . "/$greeting", 'until' => time() + CARD_SECONDS];
    if (preg_match('//u', $greeting) !== 1) {
        finish(400, ['field' => 'greeting']);
    }
    $store->data['cards'][$id] = $card + ['state' => 'new'];
    $store->save();
    finish(0, ['card' => ['id' => $id, 'sign' => $card['challenge']]]);
}

if ($action === 'buy') {
    [$id, $json, $signature] = [text('card'), text('result'), text('signature')];
    $card = $store->data['cards'][$id] ?? null;
    if (!$card || $card['openid'] !== $session['openid'] || $card['state'] !== 'new' || $card['until'] < time()) {
        finish(409);
    }
    if (!WeChat::confirms($session['openid'], $json, $signature)) {
        finish(403, ['why' => 'signature']);
    }
    $result = json_decode($json, true);
    $cpu = $result['cpu_id'] ?? null;
    if (!is_string($cpu) || $cpu === '' || ($result['raw'] ?? null) !== $card['challenge']) {
        finish(403, ['why' => 'result']);
    }
    // json_decode turns large numbers into floats, therefore from the text.
    if (!preg_match('/counter\W+(\d{1,18})\b/', $json, $found)) {
        finish(403, ['why' => 'counter']);
    }
    if ((int) $found[1] <= ($store->data['phones']["p$cpu"] ?? 0)) {
        finish(403, ['why' => 'counter']);
    }
    $store->data['phones']["p$cpu"] = (int) $found[1];
    $store->data['cards'][$id]['state'] = 'bought';
    $store->save();
    finish(0, ['card' => ['id' => $id, 'state' => 'bought', 'code' => bin2hex(random_bytes(8))]]);
}
finish(404);
