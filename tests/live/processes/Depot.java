import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** Listens on the port of the property `port`, else of the last argument. */
public class Depot {
    public static void main(String[] words) throws Exception {
        int port = Integer.getInteger("port", 0);
        if (port == 0) {
            port = Integer.parseInt(words[words.length - 1]);
        }
        HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0).start();
    }
}
