<?php
// Asks for pages over TLS: PORT VERSION CONNECTIONS EACH, once a line was read.
[, $port, $version, $connections, $each] = $argv;
$methods = ['1.2' => STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT, '1.3' => STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT];
$context = stream_context_create(['ssl' => [
    'verify_peer' => false, 'verify_peer_name' => false, 'crypto_method' => $methods[$version],
    'peer_name' => 'localhost', 'alpn_protocols' => 'http/1.1',
]]);
fgets(STDIN);
for ($n = 0; $n < $connections; $n++) {
    $socket = stream_socket_client("tls://localhost:$port", $code, $why, 20,
        STREAM_CLIENT_CONNECT, $context);
    for ($request = 0; $request < $each; $request++) {
        fwrite($socket, "GET /page/$request HTTP/1.1\r\nHost: localhost\r\n\r\n");
        $length = 0;
        while (($line = trim(fgets($socket))) !== '') {
            if (preg_match('/^content-length: (\d+)/i', $line, $found)) {
                $length = (int) $found[1];
            }
        }
        fread($socket, $length);
    }
    fclose($socket);
}
