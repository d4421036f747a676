// A TLS client that keeps its connections: PORT PROTOCOL CONNECTIONS. Connects at the first line of
// input; for each line, COUNT, it asks that often over each connection and says `asked`.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class Keeper {
  static final byte[] REQUEST = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes();

  /** Believes every certificate. */
  static class Anyone implements X509TrustManager {
    public void checkClientTrusted(X509Certificate[] chain, String kind) {}

    public void checkServerTrusted(X509Certificate[] chain, String kind) {}

    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  static void ask(SSLSocket socket) throws Exception {
    socket.getOutputStream().write(REQUEST);
    byte[] buffer = new byte[65536];
    String answer = "";
    while (!answer.endsWith("a page\n")) {
      answer += new String(buffer, 0, socket.getInputStream().read(buffer));
    }
  }

  public static void main(String[] arguments) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new Anyone()}, null);
    List<SSLSocket> sockets = new ArrayList<>();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      while (sockets.size() < Integer.parseInt(arguments[2])) {
        int port = Integer.parseInt(arguments[0]);
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port);
        socket.setEnabledProtocols(new String[] {arguments[1]});
        // It sends no name without a dot unasked.
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName("localhost")));
        socket.setSSLParameters(parameters);
        sockets.add(socket);
      }
      for (int n = 0; n < Integer.parseInt(line); n++) {
        for (SSLSocket socket : sockets) {
          ask(socket);
        }
      }
      System.out.println("asked");
    }
    for (SSLSocket socket : sockets) {
      socket.close();
    }
  }
}
