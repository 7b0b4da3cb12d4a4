<?php
// A PHP program with WeChat's own address: token, session, a good and a tampered result. First with the curl extension, which
// honours HTTPS_PROXY, then with streams (file_get_contents), which do not: their proxy is named in a stream context.
//
// Run as:  soter-sim exec --tls --touch auto -- php tests/sdks/no_sdk/verify.php

declare(strict_types=1);

const WECHAT = 'https://api.weixin.qq.com';

function stop(string $why): never
{
    fwrite(STDERR, "$why\n");
    exit(1);
}

/** The text of the answer, or false. Without a body it is a GET. */
function by_curl(string $url, ?string $body): string|false
{
    $request = curl_init($url);
    curl_setopt($request, CURLOPT_RETURNTRANSFER, true);
    if ($body !== null) {
        curl_setopt($request, CURLOPT_POSTFIELDS, $body);
    }
    return curl_exec($request);
}

function by_streams(string $url, ?string $body): string|false
{
    $http = $body === null ? [] : ['method' => 'POST', 'content' => $body, 'header' => 'Content-Type: application/json'];
    if (str_starts_with($url, WECHAT)) {
        $http['proxy'] = str_replace('http://', 'tcp://', getenv('HTTPS_PROXY'));
    }
    return file_get_contents($url, false, stream_context_create(['http' => $http]));
}

/** Calls with one of the two. A body is sent as JSON. */
function call(callable $transport, string $url, ?array $body = null): array
{
    $text = $transport($url, $body === null ? null : json_encode($body, JSON_THROW_ON_ERROR));
    if ($text === false) {
        stop("no answer from $url");
    }
    $answer = json_decode($text, true, flags: JSON_THROW_ON_ERROR);
    if (($answer['errcode'] ?? 0) !== 0) {
        stop("$url: $text");
    }
    return $answer;
}

/** Calls the phone as a front end does. */
function phone(callable $transport, string $method, array $params = []): array
{
    $call = ['jsonrpc' => '2.0', 'id' => 1, 'method' => $method, 'params' => (object) $params];
    $result = call($transport, getenv('SOTER_SIM_URL') . '/rpc', $call)['result'];
    if (!str_ends_with($result['errMsg'], ':ok')) {
        stop("$method: {$result['errMsg']}");
    }
    return $result;
}

$app = ['appid' => getenv('SOTER_SIM_APPID'), 'secret' => getenv('SOTER_SIM_SECRET')];
foreach (['by_curl', 'by_streams'] as $transport) {
    $query = http_build_query($app + ['grant_type' => 'client_credential']);
    $token = call($transport, WECHAT . "/cgi-bin/token?$query")['access_token'];

    $code = phone($transport, 'wx.login')['code'];
    $query = http_build_query($app + ['grant_type' => 'authorization_code', 'js_code' => $code]);
    $openid = call($transport, WECHAT . "/sns/jscode2session?$query")['openid'];

    $signed = phone($transport, 'wx.startSoterAuthentication', ['requestAuthModes' => ['fingerPrint'], 'challenge' => 'order-42']);
    $tampered = str_replace('order-42', 'order-43', $signed['resultJSON']);
    foreach ([[$tampered, false], [$signed['resultJSON'], true]] as [$result, $good]) {
        $verdict = call($transport, WECHAT . '/cgi-bin/soter/verify_signature?' . http_build_query(['access_token' => $token]), [
            'openid' => $openid,
            'json_string' => $result,
            'json_signature' => $signed['resultJSONSignature'],
        ]);
        if ($verdict['is_ok'] !== $good) {
            stop("$transport: $result: is_ok is not " . var_export($good, true));
        }
    }
}
echo "PHP, curl and streams: token, session, tampered, good: as with WeChat\n";
