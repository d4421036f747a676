// gRPC in Go, without generated code: a server, and a client that calls it.
//
//	calls-go serve PORT
//	calls-go call PORT COUNT
//
// The client makes COUNT unary calls, sixteen at a time, each tenth to a cart that is not there.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const method = "/shop.v1.Cart/Get"

// raw hands bytes on as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "raw" }

func get(
	_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
) (any, error) {
	var request []byte
	if err := decode(&request); err != nil {
		return nil, err
	}
	if string(request) == "none" {
		return nil, status.Error(codes.NotFound, "no such cart")
	}
	answer := []byte("a cart")
	return &answer, nil
}

func serve(port string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "shop.v1.Cart",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Get", Handler: get}},
	}, struct{}{})
	return server.Serve(listener)
}

func call(port string, count int) error {
	connection, err := grpc.Dial("127.0.0.1:"+port,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		return err
	}
	defer connection.Close()
	var group sync.WaitGroup
	places := make(chan struct{}, 16)
	for number := 0; number < count; number++ {
		request, want := []byte("mine"), codes.OK
		if number%10 == 9 {
			request, want = []byte("none"), codes.NotFound
		}
		places <- struct{}{}
		group.Add(1)
		go func() {
			defer func() { <-places; group.Done() }()
			var answer []byte
			err := connection.Invoke(context.Background(), method, &request, &answer)
			if got := status.Code(err); got != want {
				fmt.Fprintln(os.Stderr, "got", got, "for", want, err)
				os.Exit(1)
			}
		}()
	}
	group.Wait()
	return nil
}

func main() {
	var err error
	if os.Args[1] == "serve" {
		err = serve(os.Args[2])
	} else {
		count, _ := strconv.Atoi(os.Args[3])
		err = call(os.Args[2], count)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
