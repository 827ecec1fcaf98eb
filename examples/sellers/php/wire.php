<?php // The wire of the production interface: signatures, encryption, the order query.
declare(strict_types=1);

// V1 request: decoded values, names in ascending order, empty values stay.
function auth_token(array $params, string $key): string
{
    unset($params['authToken']);
    ksort($params, SORT_STRING); // without the flag names that look like numbers are sorted as numbers
    $pairs = [];
    foreach ($params as $name => $value) {
        $pairs[] = "$name=$value";
    }
    return base64_encode(hash_hmac('sha256', implode('&', $pairs), $key . ($params['timeStamp'] ?? ''), true));
}

// V1 answer: the access key alone, over the bytes that are written.
function body_signature(string $key, string $body): string
{
    return base64_encode(hash_hmac('sha256', $body, $key, true));
}

// The call, or null when the marketplace did not make it.
function verify_v1(string $key, string $query): ?array
{
    $call = parameters($query);
    return ($call['timeStamp'] ?? '') !== '' && hash_equals(auth_token($call, $key), $call['authToken'] ?? '') ? $call : null;
}

// V2 request: the raw bytes of php://input, not json_encode(json_decode(…)), which escapes "/" and turns {} into [].
function v2_signature(string $key, string $nonce, string $timestamp, string $body): string
{
    $inner = hash_hmac('sha256', $body, $key);
    return strtoupper(hash_hmac('sha256', $key . $nonce . $timestamp . $inner, $key));
}

// [nonce, null, null], or [null, code, why not]; $now is in milliseconds.
function verify_v2(string $key, string $query, string $body, float $now): array
{
    ['timestamp' => $stamp, 'nonce' => $nonce, 'signature' => $signature] = parameters($query) + ['timestamp' => '', 'nonce' => '', 'signature' => ''];
    return match (true) {
        !preg_match('/^[1-9]\d{12}$/D', $stamp) || abs($now - (int) $stamp) > 60000 => [null, '000002', 'timestamp is missing, malformed or more than 60 s off'],
        $nonce === '' => [null, '000002', 'nonce is missing'],
        !hash_equals(v2_signature($key, $nonce, $stamp, $body), strtoupper($signature)) => [null, '000001', 'signature is missing or wrong'],
        default => [$nonce, null, null],
    };
}

// What Java's SHA1PRNG gives when seeded with the access key. Mind the signed bytes.
function derive_key(string $key, int $bits): string
{
    $state = sha1($key, true);
    $stream = '';
    while (strlen($stream) < $bits / 8) {
        $out = sha1($state, true);
        $stream .= $out;
        $a = unpack('c20', $state); // c: signed; the indices begin at 1
        $b = unpack('c20', $out);
        $next = '';
        for ($i = 1, $carry = 1; $i <= 20; $i++) {
            $total = $a[$i] + $b[$i] + $carry;
            $next .= chr($total & 255);
            $carry = $total >> 8;
        }
        if ($next === $state) {
            $next[0] = chr((ord($next[0]) + 1) & 255);
        }
        $state = $next;
    }
    return substr($stream, 0, intdiv($bits, 8));
}

function seal(string $key, string $text, int $bits = 256, ?string $iv = null): string
{
    $letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
    $iv ??= implode('', array_map(fn() => $letters[random_int(0, 61)], range(1, 16)));
    return $iv . base64_encode(openssl_encrypt($text, "aes-$bits-cbc", derive_key($key, $bits), OPENSSL_RAW_DATA, $iv));
}

// The plain text, or null when it cannot be opened (usually the wrong key length).
function open_sealed(string $key, string $wire, int $bits = 256): ?string
{
    $raw = base64_decode(substr($wire, 16), true);
    if ($raw === false || $raw === '' || strlen($wire) < 16 || base64_encode($raw) !== substr($wire, 16)) {
        return null;
    }
    $text = openssl_decrypt($raw, "aes-$bits-cbc", derive_key($key, $bits), OPENSSL_RAW_DATA, substr($wire, 0, 16));
    return $text !== false && preg_match('//u', $text) ? $text : null;
}

// Pairs of a query, decoded once. Not $_GET: it renames "a.b" to "a_b" and keeps the last of equal names.
function query_pairs(string $query): array
{
    $pairs = [];
    foreach (array_filter(explode('&', $query), 'strlen') as $pair) {
        [$name, $value] = array_map('urldecode', explode('=', $pair, 2) + [1 => '']);
        $pairs[] = [$name, $value];
    }
    return $pairs;
}

function parameters(string $query): array
{
    $call = [];
    foreach (query_pairs($query) as [$name, $value]) {
        $call[$name] ??= $value; // the first value of each name counts
    }
    return $call;
}

// SDK-HMAC-SHA256 over the request line's target and the headers named in $signed.
function aksk_signature(string $sk, string $method, string $target, array $headers, array $signed, string $body = ''): string
{
    [$path, $query] = explode('?', $target, 2) + [1 => ''];
    $uri = implode('/', array_map(fn($part) => rawurlencode(rawurldecode($part)), explode('/', $path)));
    $pairs = query_pairs($query);
    usort($pairs, fn($a, $b) => strcmp($a[0], $b[0]) ?: strcmp($a[1], $b[1]));
    sort($signed, SORT_STRING);
    $canonical = implode("\n", [$method, str_ends_with($uri, '/') ? $uri : "$uri/",
        implode('&', array_map(fn($pair) => rawurlencode($pair[0]) . '=' . rawurlencode($pair[1]), $pairs)),
        ...array_map(fn($name) => $name . ':' . trim($headers[$name]), $signed), '', implode(';', $signed), $headers['x-sdk-content-sha256'] ?? hash('sha256', $body)]);
    return hash_hmac('sha256', implode("\n", ['SDK-HMAC-SHA256', $headers['x-sdk-date'], hash('sha256', $canonical)]), $sk);
}

// What V2 does not send: product and size of an order line.
function query_order(string $marketplace, string $ak, string $sk, string $order, string $line): array
{
    $base = parse_url($marketplace);
    $host = $base['host'] . (isset($base['port']) ? ':' . $base['port'] : '');
    $target = rtrim($base['path'] ?? '', '/') . '/api/mkp-openapi-public/global/v1/order/query?orderId='
        . rawurlencode($order) . '&orderLineId=' . rawurlencode($line);
    $date = gmdate('Ymd\THis\Z');
    $signature = aksk_signature($sk, 'GET', $target, ['host' => $host, 'x-sdk-date' => $date], ['host', 'x-sdk-date']);
    $answer = file_get_contents("{$base['scheme']}://$host$target", false, stream_context_create(['http' => [
        'protocol_version' => 1.1, 'timeout' => 4, 'follow_location' => 0, 'ignore_errors' => true, // the marketplace waits 5 s for us
        'header' => ["X-Sdk-Date: $date", 'Content-Type: application/json', 'Connection: close',
            "Authorization: SDK-HMAC-SHA256 Access=$ak, SignedHeaders=host;x-sdk-date, Signature=$signature"]]]));
    $read = json_decode((string) $answer, true);
    foreach ($read['orderInfo']['orderLine'] ?? [] as $found) {
        if ($found['orderLineId'] === $line) {
            $product = $found['productInfo'][0];
            return array_filter(['productId' => $product['productId'], 'skuCode' => $product['skuCode'],
                'amount' => (string) ($product['linearValue'] ?? ''), 'expireTime' => $found['expireTime'] ?? '']);
        }
    }
    throw new RuntimeException("order $order is not to be had: " . ($read['resultCode'] ?? $read['error_code'] ?? 'no answer'));
}

// --- The shared vectors -----------------------------------------------------------------

// What this file makes of a vector; null for kinds that it does not know.
function compute(array $v): ?string
{
    $v += ['key' => '', 'body' => '', 'plain' => '', 'wire' => '', 'target' => '', 'host' => ''];
    switch ($v['kind']) {
        case 'v1-token':
            return auth_token(parameters($v['query']), $v['key']);
        case 'v1-verify':
            return verify_v1($v['key'], $v['query']) === null ? '000001' : '';
        case 'v2-signature':
            return v2_signature($v['key'], $v['nonce'], $v['timestamp'], $v['body']);
        case 'v2-verify':
            return (string) verify_v2($v['key'], $v['query'], $v['body'], (float) $v['now'])[1];
        case 'body-sign':
            return body_signature($v['key'], $v['body']);
        case 'answer':
            $app = json_decode($v['body'], true)['appInfo'];
            $opened = open_sealed($v['key'], $app['userName']) === $v['plain']['user_name'] && open_sealed($v['key'], $app['password']) === $v['plain']['password'];
            return $opened ? body_signature($v['key'], $v['body']) : 'not opened';
        case 'aes-key':
            return bin2hex(derive_key($v['key'], $v['bits']));
        case 'seal':
            return seal($v['key'], $v['plain'], $v['bits'], $v['iv']);
        case 'open':
            return (string) open_sealed($v['key'], $v['wire'], $v['bits']);
        case 'percent-encoding':
            return rawurlencode($v['plain']);
        case 'aksk':
            $headers = ['host' => $v['host']] + array_change_key_case($v['header']);
            return isset($v['double_path']) ? null : aksk_signature($v['key'], $v['method'], $v['target'], $headers, $v['signed'], $v['body']);
        default:
            return null;
    }
}

// Compares every vector; the exit code.
function check(string $path): int
{
    [$held, $wrong, $skipped] = [0, 0, []];
    foreach (json_decode(file_get_contents($path), true) as $v) {
        $got = compute($v);
        if ($got === null) {
            $skipped[$v['kind'] . (isset($v['double_path']) ? ' with double_path' : '')] = true;
        } elseif (($got === $v['expected']) === ($v['valid'] || str_ends_with($v['kind'], '-verify'))) {
            $held++;
        } else {
            $wrong++;
            echo "{$v['kind']} \"{$v['name']}\": \"$got\", expected \"{$v['expected']}\"\n";
        }
    }
    ksort($skipped);
    echo "$held vectors hold, $wrong do not; kinds skipped: " . implode(', ', array_keys($skipped)) . "\n";
    return $wrong || !$held ? 1 : 0;
}
