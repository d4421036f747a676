// Pages over TLS: tls_pages serve PORT CERT KEY, or ask PORT VERSION CONNECTIONS EACH, which waits
// for a line before it connects, or keep PORT VERSION CONNECTIONS: for each line, COUNT, that asks
// so often over each connection and says `asked`.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

func serve(port, cert, key string) error {
	http.HandleFunc("/", func(writer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(writer, "a page")
	})
	return http.ListenAndServeTLS("127.0.0.1:"+port, cert, key, nil)
}

// connect makes a client of one connection.
func connect(version string) *http.Client {
	number := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[version]
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, MinVersion: number, MaxVersion: number,
	}}}
}

func get(client *http.Client, port string, number int) error {
	answer, err := client.Get(fmt.Sprintf("https://localhost:%s/page/%d", port, number))
	if err != nil {
		return err
	}
	io.Copy(io.Discard, answer.Body)
	return answer.Body.Close()
}

func ask(port, version string, connections, each int) error {
	bufio.NewReader(os.Stdin).ReadString('\n')
	for range connections {
		client := connect(version)
		for request := range each {
			if err := get(client, port, request); err != nil {
				return err
			}
		}
		client.CloseIdleConnections()
	}
	return nil
}

func keep(port, version string, connections int) error {
	var clients []*http.Client
	for range connections {
		clients = append(clients, connect(version))
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		times, _ := strconv.Atoi(lines.Text())
		for range times {
			for _, client := range clients {
				if err := get(client, port, 0); err != nil {
					return err
				}
			}
		}
		fmt.Println("asked")
	}
	return lines.Err()
}

func main() {
	if os.Args[1] == "serve" {
		panic(serve(os.Args[2], os.Args[3], os.Args[4]))
	}
	connections, _ := strconv.Atoi(os.Args[4])
	if os.Args[1] == "keep" {
		if err := keep(os.Args[2], os.Args[3], connections); err != nil {
			panic(err)
		}
		return
	}
	each, _ := strconv.Atoi(os.Args[5])
	if err := ask(os.Args[2], os.Args[3], connections, each); err != nil {
		panic(err)
	}
}
