<?php // A small seller's server: production interface V1.0 (GET) and V2.0 (POST), order notice.
//
// Needs PHP 8.1 (php-cli) and nothing else. Run: KEY=… php seller.php
// Configuration (environment): KEY, LISTEN, DATA, SITE, NOTIFY_KEY, MARKETPLACE + AK + SK.
// Behind a real web server this file is the script for /produce and /notify.
declare(strict_types=1);
require __DIR__ . '/wire.php';

function setting(string $name, string $default = ''): string
{
    return getenv($name) === false ? $default : getenv($name);
}
define('KEY', setting('KEY'));
define('NOTIFY_KEY', setting('NOTIFY_KEY', KEY));
define('DATA', setting('DATA', 'seller-data'));
define('SITE', setting('SITE', 'https://shop.example.com')); // where buyers find their instance

// --- The business: one JSON file per instance -------------------------------------------

class Refusal extends Exception // answers a call with a result code
{
    public function __construct(public readonly string $result, string $message)
    {
        parent::__construct($message);
    }
}

function path_of(string $instance): string
{
    return DATA . '/' . substr(hash('sha256', $instance), 0, 32) . '.json';
}

function load(string $instance): ?array
{
    return is_file(path_of($instance)) ? json_decode(file_get_contents(path_of($instance)), true) : null;
}

// Durable and whole: temporary file, fsync, rename, fsync of the directory.
function save(array $it): void
{
    $path = path_of($it['id']);
    $file = fopen("$path.tmp", 'w');
    fwrite($file, json_encode($it, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR));
    fsync($file);
    fclose($file);
    rename("$path.tmp", $path);
    $directory = fopen(DATA, 'r');
    fsync($directory);
    fclose($directory);
}

// One at a time, over all processes of the web server; the lock falls with the process.
function locked(callable $act): mixed
{
    $lock = fopen(DATA . '/lock', 'c');
    flock($lock, LOCK_EX);
    try {
        return $act();
    } finally {
        fclose($lock);
    }
}

// V2 sends ids only. Debugging orders are not asked for.
function read_order(array $call): array
{
    return setting('MARKETPLACE') === '' || ($call['testFlag'] ?? '') === '1' ? []
        : query_order(setting('MARKETPLACE'), setting('AK'), setting('SK'), $call['orderId'], $call['orderLineId']);
}

// Makes the instance of an order. Its id is a function of the order, never of the
// businessId (new in every call): so no repetition can ever name another instance.
function create(string $order_key, array $call, callable $order): string
{
    $instance = 'i-' . substr(hash('sha256', (($call['testFlag'] ?? '') === '1' ? 'test/' : '') . $order_key), 0, 32);
    $bought = load($instance) ? [] : $order();
    locked(function () use ($instance, $call, $bought) {
        if (load($instance)) {
            return;
        }
        // Here you would make what was bought, unless testFlag is 1.
        $wanted = array_intersect_key($call, array_flip(['productId', 'skuCode', 'amount', 'expireTime', 'customerName']));
        foreach (['mobilePhone', 'email'] as $name) {
            $wanted[$name] = isset($call[$name]) ? open_sealed(KEY, $call[$name]) : null;
        }
        save(['id' => $instance, 'state' => 'active', 'order' => $call['orderId'], 'done' => [],
            'password' => bin2hex(random_bytes(8)), ...array_filter($wanted), ...$bought]);
    });
    return $instance;
}

// Alters an instance. What must happen once per order is noted in the same file as its
// effect, so both become durable in one rename.
function change(array $call, string $once, array $changes): array
{
    return locked(function () use ($call, $once, $changes) {
        $it = load($call['instanceId']);
        $gone = ($it['state'] ?? 'released') === 'released';
        if ($it && ($once !== '' && in_array($once, $it['done'], true) || $gone && ($changes['state'] ?? '') === 'released')) {
            return [];
        }
        if ($gone) {
            return ($call['testFlag'] ?? '') === '1' ? [] // interfaces are debugged in any order
                : throw new Refusal('000003', 'instance does not exist');
        }
        $it = [...$it, ...array_filter($changes, fn($value) => $value !== null && $value !== '')];
        $it['done'] = $once === '' ? $it['done'] : [...$it['done'], $once];
        save($it);
        return [];
    });
}

function done(array $call, string $once): bool
{
    return in_array($once, load($call['instanceId'])['done'] ?? [], true);
}

function entry(array $it, bool $sealed): array
{
    $close = fn(string $text) => $sealed ? seal(KEY, $text) : $text;
    return ['frontEndUrl' => SITE . '/open/' . $it['id'], 'adminUrl' => SITE . '/admin', 'userName' => $close('admin'),
        'password' => $close($it['password']), 'memo' => '请在首次登录后修改密码'];
}

function describe(array $call, bool $sealed): array
{
    $found = array_filter(array_map('load', explode(',', $call['instanceId'])), fn($it) => $it && $it['state'] !== 'released');
    if (!$found) {
        throw new Refusal('000003', 'instance does not exist');
    }
    return ['info' => array_map(fn($it) => ['instanceId' => $it['id'], 'appInfo' => entry($it, $sealed)], array_values($found))]
        + ($sealed ? ['encryptType' => '1'] : []);
}

// --- The two generations ----------------------------------------------------------------

function need(array $call, array $table): void
{
    foreach (explode(' ', $table[$call['activity'] ?? ''] ?? throw new Refusal('000002', 'activity is unknown')) as $name) {
        if (($call[$name] ?? '') === '') {
            throw new Refusal('000002', "$name is missing");
        }
    }
}

const V1 = ['newInstance' => 'customerId businessId orderId productId', 'refreshInstance' => 'instanceId orderId expireTime',
    'expireInstance' => 'instanceId orderId', 'releaseInstance' => 'instanceId orderId', 'upgrade' => 'instanceId orderId skuCode productId',
    'instanceStatus' => 'instanceId instanceStatus', 'queryInstance' => 'instanceId'];

function v1(string $query): array
{
    $call = verify_v1(KEY, $query) ?? throw new Refusal('000001', 'authToken is missing or wrong');
    $sent = preg_match('/^\d{17}$/D', $call['timeStamp']) // UTC; V1 names no window, 5 minutes is kind
        ? DateTimeImmutable::createFromFormat('!YmdHis', substr($call['timeStamp'], 0, 14), new DateTimeZone('UTC')) : false;
    if (!$sent || abs(time() - $sent->getTimestamp()) > 5 * 60) {
        throw new Refusal('000002', 'timeStamp is malformed or too far from the clock, which is UTC');
    }
    need($call, V1);
    $of = fn(string ...$names) => array_intersect_key($call, array_flip($names));
    switch ($call['activity']) {
        case 'newInstance': // one pay-per-use order makes an instance for each billing item
            $item = ($call['chargingMode'] ?? '') === '0' ? "/{$call['productId']}" : '';
            $instance = create("v1/{$call['orderId']}$item", $call, fn() => []);
            return ['instanceId' => $instance, 'encryptType' => '1', 'appInfo' => entry(load($instance), true)];
        case 'refreshInstance': // a renewal also thaws
            return change($call, "renew/{$call['orderId']}", ['state' => 'active'] + $of('expireTime', 'productId'));
        case 'expireInstance': // every year with the same orderId: never "once per order"
            return change($call, '', ['state' => 'frozen']);
        case 'releaseInstance':
            return change($call, '', ['state' => 'released']);
        case 'upgrade': // amounts are the new totals
            return change($call, "upgrade/{$call['orderId']}", $of('skuCode', 'productId', 'amount', 'diskSize', 'bandWidth'));
        case 'instanceStatus':
            $states = ['FREEZE' => 'frozen', 'NORMAL' => 'active'];
            return change($call, '', ['state' => $states[$call['instanceStatus']] ?? throw new Refusal('000002', 'instanceStatus is unknown')]);
        default:
            return describe($call, true);
    }
}

const V2 = ['newInstance' => 'orderId orderLineId businessId', 'refreshInstance' => 'instanceId orderId orderLineId scene expireTime',
    'updateInstanceStatus' => 'instanceId status', 'releaseInstance' => 'instanceId', 'upgradeInstance' => 'instanceId orderId orderLineId',
    'changeInstanceCheck' => 'instanceId productInfo', 'queryInstance' => 'instanceId'];
const SCENES = ['TRIAL_TO_FORMAL', 'RENEWAL', 'UNSUBSCRIBE_RENEWAL_PERIOD', 'RENEWAL_CHANGE'];

function v2(string $query, string $body, string $key, bool $notify): array
{
    [$nonce, $code, $why] = verify_v2($key, $query, $body, microtime(true) * 1000);
    if ($code) {
        throw new Refusal($code, $why);
    }
    locked(function () use ($nonce) { // processes share nothing but the disk: a file per nonce
        foreach (glob(DATA . '/*.nonce') as $old) {
            time() - filemtime($old) > 120 && unlink($old);
        }
        $file = DATA . '/' . hash('sha256', $nonce) . '.nonce';
        is_file($file) ? throw new Refusal('000002', 'nonce was used before') : touch($file);
    });
    $json = json_decode($body, false, 16, JSON_BIGINT_AS_STRING);
    if (!$json instanceof stdClass) {
        throw new Refusal('000002', 'body is not a JSON object');
    }
    $call = array_map(fn($value) => is_scalar($value) ? (string) $value : $value, (array) $json);
    need($call, $notify ? ['orderNotify' => 'orderId orderLineId'] : V2);
    $once = $call['activity'] . '/' . ($call['orderId'] ?? '') . '/' . ($call['orderLineId'] ?? '');
    switch ($call['activity']) {
        case 'newInstance':
            return ['instanceId' => create("v2/{$call['orderId']}/{$call['orderLineId']}", $call, fn() => read_order($call))];
        case 'refreshInstance':
            in_array($call['scene'], SCENES, true) || throw new Refusal('000002', 'scene is unknown');
            $bought = $call['scene'] === 'RENEWAL_CHANGE' && !done($call, $once) ? read_order($call) : [];
            return change($call, $once, ['expireTime' => $call['expireTime']] + $bought + ['productId' => $call['productId'] ?? '']);
        case 'updateInstanceStatus': // V2 has no expireInstance: this is it
            $states = ['FREEZE' => 'frozen', 'UNFREEZE' => 'active'];
            return change($call, '', ['state' => $states[$call['status']] ?? throw new Refusal('000002', 'status is unknown')]);
        case 'releaseInstance':
            return change($call, '', ['state' => 'released']);
        case 'upgradeInstance':
            return change($call, $once, done($call, $once) ? [] : read_order($call));
        case 'changeInstanceCheck':
            $product = is_string($call['productInfo']) ? json_decode($call['productInfo']) : $call['productInfo'];
            $product instanceof stdClass || throw new Refusal('000002', 'productInfo is malformed');
            return change($call, '', []); // here you would refuse a size below what is in use
        case 'orderNotify':
            read_order($call); // a notice holds ids only; here you would book the order
            return [];
        default:
            return describe($call, false);
    }
}

// --- Answering --------------------------------------------------------------------------

function answer(): void
{
    ini_set('display_errors', '0'); // a warning in the body would break its signature
    set_error_handler(fn($level, $text) => throw new ErrorException($text, 0, $level), E_ALL & ~E_DEPRECATED);
    ignore_user_abort(true); // a caller that hangs up must not leave half an act behind
    [$path, $query] = explode('?', $_SERVER['REQUEST_URI'], 2) + [1 => ''];
    $notify = $path === '/notify';
    $get = $_SERVER['REQUEST_METHOD'] === 'GET' && $path === '/produce';
    if (!$get && !($_SERVER['REQUEST_METHOD'] === 'POST' && ($notify || $path === '/produce'))) {
        http_response_code(404);
        return;
    }
    try {
        $body = $get ? '' : file_get_contents('php://input', false, null, 0, 65537);
        strlen($body) <= 65536 || throw new Refusal('000002', 'body is too long');
        $result = ['resultCode' => '000000', 'resultMsg' => 'success.'] + ($get ? v1($query) : v2($query, $body, $notify ? NOTIFY_KEY : KEY, $notify));
    } catch (Refusal $refusal) {
        $result = ['resultCode' => $refusal->result, 'resultMsg' => $refusal->getMessage()];
    } catch (Throwable $problem) { // never show its text to the caller
        error_log("internal error: $problem");
        $result = ['resultCode' => '000005', 'resultMsg' => 'internal error'];
    }
    $body = json_encode($result, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES); // signed and written: the same bytes
    header_remove('X-Powered-By');
    header('Content-Type: application/json;charset=UTF-8'); // HTTP 200, refusals too
    header('Content-Length: ' . strlen($body));
    if ($get) {
        header('Body-Sign: sign_type="HMAC-SHA256", signature="' . body_signature(KEY, $body) . '"');
    }
    echo $body;
}

// From the command line: start PHP's own server on this file; its children share the lock.
function serve(): void
{
    KEY !== '' || exit("KEY is not set\n");
    is_dir(DATA) || mkdir(DATA, 0700, true);
    $listen = setting('LISTEN', '127.0.0.1:8084');
    if (pcntl_fork() !== 0) {
        putenv('DATA=' . realpath(DATA));
        pcntl_exec(PHP_BINARY, ['-q', '-S', $listen, __FILE__], ['PHP_CLI_SERVER_WORKERS' => '4'] + getenv());
    }
    for ($tries = 0; $tries < 100 && !@fsockopen("tcp://$listen"); $tries++) {
        usleep(50000);
    }
    echo "listening on http://$listen/produce\n";
}

match (true) {
    PHP_SAPI !== 'cli' => answer(),
    ($argv[1] ?? '') === 'vectors' => exit(check($argv[2])),
    default => serve(),
};
