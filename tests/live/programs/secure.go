// Answers every request over TLS with a page.
package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "a page")
	})
	server := &http.Server{
		Addr:      "127.0.0.1:" + os.Args[3],
		TLSConfig: &tls.Config{NextProtos: []string{"http/1.1"}},
	}
	panic(server.ListenAndServeTLS(os.Args[1], os.Args[2]))
}
