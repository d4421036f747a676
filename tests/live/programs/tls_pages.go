// Pages over TLS: tls_pages serve PORT CERT KEY, or ask PORT VERSION CONNECTIONS EACH, which waits
// for a line before it connects.
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

func ask(port, version string, connections, each int) error {
	number := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[version]
	bufio.NewReader(os.Stdin).ReadString('\n')
	for range connections {
		transport := &http.Transport{TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, MinVersion: number, MaxVersion: number,
		}}
		client := &http.Client{Transport: transport}
		for request := range each {
			answer, err := client.Get(fmt.Sprintf("https://localhost:%s/page/%d", port, request))
			if err != nil {
				return err
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		transport.CloseIdleConnections()
	}
	return nil
}

func main() {
	if os.Args[1] == "serve" {
		panic(serve(os.Args[2], os.Args[3], os.Args[4]))
	}
	connections, _ := strconv.Atoi(os.Args[4])
	each, _ := strconv.Atoi(os.Args[5])
	if err := ask(os.Args[2], os.Args[3], connections, each); err != nil {
		panic(err)
	}
}
