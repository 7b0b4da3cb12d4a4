<?php
// Optician: glasses are ordered on pages of a web-view, and paid by fingerprint in the mini program.
// Every form that is sent ends in a redirect, so that a reload sends nothing twice.

ini_set('session.use_strict_mode', '1');
ini_set('session.save_path', sys_get_temp_dir());
session_name('optician');

function page(int $status, string $html): never
{
    http_response_code($status);
    header('Content-Type: text/html; charset=utf-8');
    exit("<!doctype html><title>Optician</title>\n$html\n");
}

function redirect(string $where): never
{
    header("Location: $where", true, 303);
    exit;
}

function field(string $name): string
{
    $value = $_POST[$name] ?? null;
    return is_string($value) && $value !== '' ? $value : page(400, "<p>$name is missing</p>");
}

function wechat(string $path, ?array $body = null): array
{
    $options = ['timeout' => 5, 'ignore_errors' => true];
    if ($body !== null) {
        $options += ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($body, JSON_UNESCAPED_UNICODE)];
    }
    $text = @file_get_contents(getenv('SOTER_SIM_URL') . $path, false, stream_context_create(['http' => $options]));
    $answer = $text === false ? null : json_decode($text, true);
    return is_array($answer) ? $answer : page(502, '<p>WeChat does not answer</p>');
}

/** Runs a change of the orders alone. */
function with_state(callable $change): mixed
{
    $file = fopen(sys_get_temp_dir() . '/optician.json', 'c+');
    flock($file, LOCK_EX);
    $state = json_decode(stream_get_contents($file), true) ?? ['orders' => [], 'counters' => []];
    $answer = $change($state);
    rewind($file);
    ftruncate($file, 0);
    fwrite($file, json_encode($state));
    fclose($file);
    return $answer;
}

/** Whether WeChat confirms the result, and it is for this challenge and newer than all before. */
function is_confirmed(string $openid, string $challenge, string $json, string $signature): bool
{
    $token = wechat('/cgi-bin/stable_token', [
        'grant_type' => 'client_credential', 'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
    ])['access_token'] ?? null;
    if (!is_string($token)) {
        return false;
    }
    $answer = wechat('/cgi-bin/soter/verify_signature?access_token=' . urlencode($token), [
        'openid' => $openid, 'json_string' => $json, 'json_signature' => $signature,
    ]);
    if (!empty($answer['errcode']) || ($answer['is_ok'] ?? null) !== true) {
        return false;
    }
    $result = json_decode($json, true);
    [$raw, $cpu, $counter] = [$result['raw'] ?? null, $result['cpu_id'] ?? null, $result['counter'] ?? null];
    if (!is_string($raw) || !hash_equals($challenge, $raw) || !is_string($cpu) || $cpu === '' || !is_int($counter)) {
        return false;
    }
    return with_state(function (array &$state) use ($cpu, $counter) {
        if ($counter <= ($state['counters']["phone $cpu"] ?? 0)) {
            return false;
        }
        $state['counters']["phone $cpu"] = $counter;
        return true;
    });
}

session_start(['cookie_httponly' => true]);
$route = $_SERVER['REQUEST_METHOD'] . ' ' . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if ($route === 'POST /login') {
    $query = http_build_query([
        'appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET'),
        'js_code' => field('code'), 'grant_type' => 'authorization_code',
    ]);
    $openid = wechat("/sns/jscode2session?$query")['openid'] ?? page(401, '<p>WeChat does not know the code</p>');
    session_regenerate_id(true);
    $_SESSION = ['openid' => $openid, 'until' => time() + 7200];
    redirect('/welcome');
}
if (!isset($_SESSION['openid']) || $_SESSION['until'] < time()) {
    page(401, '<p>Log in again</p>');
}
$openid = $_SESSION['openid'];

if ($route === 'GET /welcome') {
    page(200, '<h1>Glasses</h1><form method="post" action="/order"><button>Order</button></form>');
}
if ($route === 'POST /order') {
    $id = bin2hex(random_bytes(8));
    $order = ['openid' => $openid, 'challenge' => bin2hex(random_bytes(32)), 'state' => 'open', 'until' => time() + 300];
    with_state(function (array &$state) use ($id, $order) {
        $state['orders'][$id] = $order;
    });
    redirect("/order?id=$id");
}

$id = is_string($_GET['id'] ?? null) ? $_GET['id'] : '';
$order = with_state(fn (array &$state) => $state['orders'][$id] ?? null);
if (!$order || $order['openid'] !== $openid) {
    page(404, '<p>No such order</p>');
}
if ($route === 'GET /order') {
    page(200, match ($order['state']) {
        'open' => "<form method=\"post\" action=\"/pay?id=$id\"><input type=\"hidden\" name=\"challenge\" value=\"{$order['challenge']}\"></form>",
        'paid' => '<p class="state">Paid. Thank you!</p>',
        default => '<p class="state">The payment failed. Please order again.</p>',
    });
}
if ($route === 'POST /pay') {
    [$json, $signature] = [field('resultJSON'), field('resultJSONSignature')];
    $mayPay = with_state(function (array &$state) use ($id) {
        $isOpen = $state['orders'][$id]['state'] === 'open' && $state['orders'][$id]['until'] >= time();
        if ($isOpen) {
            // The challenge has one attempt, also one that fails.
            $state['orders'][$id]['state'] = 'failed';
        }
        return $isOpen;
    });
    if ($mayPay && is_confirmed($openid, $order['challenge'], $json, $signature)) {
        with_state(function (array &$state) use ($id) {
            $state['orders'][$id]['state'] = 'paid';
        });
    }
    redirect("/order?id=$id");
}
page(404, '<p>No such page</p>');
