<?php
// Flower shop: bouquets, paid by fingerprint in the mini program. Orders and sessions are in one file.

const SESSION_SECONDS = 7200;
const ORDER_SECONDS = 300;
const BOUQUETS = ['roses' => 9900, 'tulips' => 5900];

function answer(int $code, string $msg, array $data = []): never
{
    header('Content-Type: application/json');
    echo json_encode(['code' => $code, 'msg' => $msg, 'data' => (object) $data]);
    exit;
}

function load(): array
{
    $file = sys_get_temp_dir() . '/flowers.json';
    return is_file($file) ? json_decode(file_get_contents($file), true) : ['sessions' => [], 'orders' => [], 'counters' => []];
}

function save(array $state): void
{
    file_put_contents(sys_get_temp_dir() . '/flowers.json', json_encode($state), LOCK_EX);
}

function wechat(string $path, ?array $body = null): ?array
{
    $options = ['timeout' => 5, 'ignore_errors' => true];
    if ($body !== null) {
        $options += ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($body, JSON_UNESCAPED_UNICODE)];
    }
    $text = @file_get_contents(getenv('SOTER_SIM_URL') . $path, false, stream_context_create(['http' => $options]));
    if ($text === false) {
        answer(5001, 'wechat is busy');
    }
    return json_decode($text, true);
}

function access_token(): string
{
    $got = wechat('/cgi-bin/stable_token', [
        'grant_type' => 'client_credential', 'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
    ]);
    return $got['access_token'] ?? answer(5002, 'wechat is busy');
}

function signature_holds(string $openid, string $json, string $signature): bool
{
    $answer = wechat('/cgi-bin/soter/verify_signature?access_token=' . urlencode(access_token()), [
        'openid' => $openid, 'json_string' => $json, 'json_signature' => $signature,
    ]);
    if (!empty($answer['errcode'])) {
        return false;
    }
    return ($answer['is_ok'] ?? null) !== false;
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$input = json_decode(file_get_contents('php://input', false, null, 0, 16384), true);
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !is_array($input)) {
    answer(400, 'POST JSON');
}
$text = fn (string $name): string => is_string($input[$name] ?? null) && $input[$name] !== '' ? $input[$name] : answer(400, "$name is missing");
$state = load();

if ($path === '/login') {
    $query = http_build_query([
        'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
        'js_code' => $text('code'), 'grant_type' => 'authorization_code',
    ]);
    $openid = wechat("/sns/jscode2session?$query")['openid'] ?? answer(401, 'login failed');
    $session = bin2hex(random_bytes(20));
    $state['sessions'][$session] = ['openid' => $openid, 'until' => time() + SESSION_SECONDS];
    save($state);
    answer(0, 'ok', ['session' => $session]);
}

$session = $state['sessions'][$text('session')] ?? null;
if (!$session || $session['until'] < time()) {
    answer(401, 'log in again');
}
$openid = $session['openid'];

if ($path === '/order/create') {
    $cents = BOUQUETS[$text('bouquet')] ?? answer(404, 'no such bouquet');
    $id = bin2hex(random_bytes(8));
    $challenge = base64_encode(random_bytes(32));
    $state['orders'][$id] = compact('openid', 'cents', 'challenge') + ['state' => 'open', 'until' => time() + ORDER_SECONDS];
    save($state);
    answer(0, 'ok', ['orderId' => $id, 'cents' => $cents, 'challenge' => $challenge]);
}

if ($path === '/order/pay') {
    [$id, $json, $signature] = [$text('orderId'), $text('resultJSON'), $text('signature')];
    $order = $state['orders'][$id] ?? null;
    if (!$order || $order['openid'] !== $openid || $order['state'] !== 'open' || $order['until'] < time()) {
        answer(409, 'no such open order');
    }
    // One attempt for each order.
    $state['orders'][$id]['state'] = 'closed';
    save($state);
    if (!signature_holds($openid, $json, $signature)) {
        answer(403, 'fingerprint not confirmed');
    }
    $result = json_decode($json, true);
    $cpu = $result['cpu_id'] ?? null;
    $counter = $result['counter'] ?? null;
    if (!is_string($cpu) || $cpu === '' || !is_int($counter) || ($result['raw'] ?? null) !== $order['challenge']) {
        answer(403, 'not for this order');
    }
    if ($counter <= ($state['counters']["c$cpu"] ?? 0)) {
        answer(403, 'used before');
    }
    $state['counters']["c$cpu"] = $counter;
    $state['orders'][$id]['state'] = 'paid';
    save($state);
    answer(0, 'paid', ['orderId' => $id]);
}
answer(404, 'no such path');
