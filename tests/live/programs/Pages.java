// Answers every request with a page; GET /count gives how many that were.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

public class Pages {
    public static void main(String[] arguments) throws Exception {
        AtomicLong count = new AtomicLong();
        int port = Integer.parseInt(arguments[0]);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 1024);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", exchange -> {
            boolean asksCount = exchange.getRequestURI().getPath().equals("/count");
            String text = asksCount ? Long.toString(count.get()) : "a page\n";
            if (!asksCount) {
                count.incrementAndGet();
            }
            exchange.sendResponseHeaders(200, text.length());
            exchange.getResponseBody().write(text.getBytes());
            exchange.close();
        });
        server.start();
    }
}
