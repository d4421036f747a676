#!/usr/bin/env escript
%% Answers every request over TLS with a page.

main([Certificate, Key, Port]) ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Listener} = ssl:listen(list_to_integer(Port), [
        {ip, {127, 0, 0, 1}}, {certfile, Certificate}, {keyfile, Key}, {reuseaddr, true},
        {active, false}, {packet, raw}, binary, {versions, ['tlsv1.3', 'tlsv1.2']}
    ]),
    accept(Listener).

accept(Listener) ->
    {ok, Transport} = ssl:transport_accept(Listener),
    Serve = fun() ->
        receive go -> ok end,
        {ok, Socket} = ssl:handshake(Transport),
        answer(Socket)
    end,
    Process = spawn(Serve),
    ok = ssl:controlling_process(Transport, Process),
    Process ! go,
    accept(Listener).

answer(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, _} ->
            ssl:send(Socket, <<"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\na page\n">>),
            answer(Socket);
        _ ->
            ok
    end.
