// Answers every request with a page; GET /count gives how many that were.
package main

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
)

var count atomic.Int64

func answer(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/count" {
		fmt.Fprint(writer, count.Load())
		return
	}
	count.Add(1)
	fmt.Fprintln(writer, "a page")
}

func main() {
	http.HandleFunc("/", answer)
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
