<?php
// Bakery: bread is ordered in the evening, paid by fingerprint, and fetched in the morning.
// The session is PHP's own; orders are rows of one file.

ini_set('session.use_strict_mode', '1');
ini_set('session.gc_maxlifetime', '7200');
ini_set('session.save_path', sys_get_temp_dir());
header('Content-Type: application/json');

function refuse(int $status, string $reason): never
{
    http_response_code($status);
    echo json_encode(['refused' => $reason]);
    exit;
}

function field(string $name): string
{
    $value = $_POST[$name] ?? null;
    return is_string($value) && $value !== '' ? $value : refuse(400, "$name is missing");
}

function wechat(string $path, ?array $body = null): array
{
    $options = ['timeout' => 5, 'ignore_errors' => true];
    if ($body !== null) {
        $options += ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($body, JSON_UNESCAPED_UNICODE)];
    }
    $text = @file_get_contents(getenv('SOTER_SIM_URL') . $path, false, stream_context_create(['http' => $options]));
    $answer = $text === false ? null : json_decode($text, true);
    return is_array($answer) ? $answer : refuse(502, 'WeChat does not answer');
}

/** Runs a change of the file alone. */
function with_state(callable $change): mixed
{
    $file = fopen(sys_get_temp_dir() . '/bakery.json', 'c+');
    flock($file, LOCK_EX);
    $state = json_decode(stream_get_contents($file), true) ?? ['orders' => [], 'counters' => []];
    $answer = $change($state);
    rewind($file);
    ftruncate($file, 0);
    fwrite($file, json_encode($state));
    fclose($file);
    return $answer;
}

session_start(['cookie_httponly' => true]);
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    refuse(405, 'POST');
}

if ($path === '/login.php') {
    $query = http_build_query([
        'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
        'js_code' => field('code'), 'grant_type' => 'authorization_code',
    ]);
    $openid = wechat("/sns/jscode2session?$query")['openid'] ?? refuse(401, 'login');
    session_regenerate_id(true);
    $_SESSION = ['openid' => $openid, 'until' => time() + 7200];
    echo json_encode(['welcome' => true]);
    exit;
}

if (!isset($_SESSION['openid']) || $_SESSION['until'] < time()) {
    refuse(401, 'log in again');
}
$openid = $_SESSION['openid'];

if ($path === '/order.php') {
    $order = [
        'openid' => $openid, 'fen' => 650, 'state' => 'open', 'until' => time() + 300,
        // Digits alone, because the till's printer knows no letters: 36 of them.
        'challenge' => random_int(100000000000000000, 999999999999999999) . random_int(100000000000000000, 999999999999999999),
    ];
    $id = bin2hex(random_bytes(6));
    with_state(function (array &$state) use ($id, $order) {
        $state['orders'][$id] = $order;
    });
    echo json_encode(['order' => $id, 'fen' => $order['fen'], 'challenge' => $order['challenge']]);
    exit;
}

if ($path === '/pay.php') {
    [$id, $json, $signature] = [field('order'), field('result'), field('signature')];
    $order = with_state(function (array &$state) use ($id, $openid) {
        $order = $state['orders'][$id] ?? null;
        if (!$order || $order['openid'] !== $openid || $order['state'] !== 'open' || $order['until'] < time()) {
            return null;
        }
        $state['orders'][$id]['state'] = 'closed';
        return $order;
    }) ?? refuse(409, 'no such order is open');
    $token = wechat('/cgi-bin/stable_token', [
        'grant_type' => 'client_credential', 'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
    ])['access_token'] ?? refuse(502, 'WeChat gives no token');
    $answer = wechat('/cgi-bin/soter/verify_signature?access_token=' . urlencode($token), [
        'openid' => $openid, 'json_string' => $json, 'json_signature' => $signature,
    ]);
    if (!empty($answer['errcode']) || ($answer['is_ok'] ?? null) !== true) {
        refuse(403, 'signature');
    }
    $result = json_decode($json, true);
    if (!is_string($result['raw'] ?? null) || !is_string($result['cpu_id'] ?? null) || !is_int($result['counter'] ?? null)) {
        refuse(403, 'result');
    }
    if ($result['raw'] != $order['challenge']) {
        refuse(403, 'challenge');
    }
    $isNew = with_state(function (array &$state) use ($result, $id) {
        $phone = "phone {$result['cpu_id']}";
        if ($result['counter'] <= ($state['counters'][$phone] ?? 0)) {
            return false;
        }
        $state['counters'][$phone] = $result['counter'];
        $state['orders'][$id]['state'] = 'paid';
        return true;
    });
    if (!$isNew) {
        refuse(403, 'counter');
    }
    echo json_encode(['order' => $id, 'state' => 'paid']);
    exit;
}
refuse(404, 'no such path');
