# Asks for pages over TLS: PORT VERSION CONNECTIONS EACH, once a line was read.
use strict;
use warnings;
use IO::Socket::SSL;

my ($port, $version, $connections, $each) = @ARGV;
my %names = ('1.2' => 'TLSv1_2', '1.3' => 'TLSv1_3');
$_ = <STDIN>;
for (1 .. $connections) {
    my $socket = IO::Socket::SSL->new(
        PeerHost => 'localhost', PeerPort => $port, SSL_version => $names{$version},
        SSL_verify_mode => SSL_VERIFY_NONE, SSL_hostname => 'localhost',
        SSL_alpn_protocols => ['http/1.1'],
    ) or die "no connection: $SSL_ERROR";
    for my $request (1 .. $each) {
        print $socket "GET /page/$request HTTP/1.1\r\nHost: localhost\r\n\r\n";
        my $length = 0;
        while (my $line = <$socket>) {
            $length = $1 if $line =~ /^content-length: (\d+)/i;
            last if $line eq "\r\n";
        }
        read($socket, my $body, $length);
    }
    close $socket;
}
