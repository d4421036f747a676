// Connects to 127.0.0.1:PORT, asks once, reads the answer, and is gone within milliseconds.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words)
{
	static const char request[] = "GET /visited HTTP/1.1\r\nHost: a\r\n\r\n";
	struct sockaddr_in server = {
		.sin_family = AF_INET,
		.sin_port = htons(count > 1 ? atoi(words[1]) : 0),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	char answer[4096];
	int connection = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(connection, (struct sockaddr *)&server, sizeof(server)))
		return 1;
	if (write(connection, request, strlen(request)) < 0)
		return 2;
	return read(connection, answer, sizeof(answer)) > 0 ? 0 : 3;
}
