// Answers every request over TLS with a page; with -Dredsight.churn=true it makes garbage meanwhile,
// so that its collector moves what it keeps all the time.

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.security.KeyStore;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

public class Secure {
  public static void main(String[] arguments) throws Exception {
    char[] password = "redsight".toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(new FileInputStream(arguments[0]), password);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
    keys.init(store, password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    int port = Integer.parseInt(arguments[1]);
    HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", port), 1024);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext(
        "/",
        exchange -> {
          byte[] page = "a page\n".getBytes();
          exchange.sendResponseHeaders(200, page.length);
          exchange.getResponseBody().write(page);
          exchange.close();
        });
    server.start();
    if (Boolean.getBoolean("redsight.churn")) {
      churn();
    }
  }

  /** Keeps a part of what it makes for a while, so that some of it grows old. */
  private static void churn() throws InterruptedException {
    byte[][] kept = new byte[4096][];
    for (int n = 0; ; n++) {
      byte[] block = new byte[1024 + n % 16384];
      kept[(n * 7919) & 4095] = block;
      if (n % 2048 == 0) {
        Thread.sleep(1);
      }
    }
  }
}
