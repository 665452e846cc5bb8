import { expect, it } from 'vitest';
import { fetchMetricsPage } from '../../exchange/metrics-page.ts';
import { engineLab } from './testing/lab.ts';

const lab = engineLab();

/** Two servers at fixed ports: the metrics first. */
const app = `
import http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.path} at {self.server.name}".encode())
    def log_message(self, *args): pass
class Server(http.server.ThreadingHTTPServer):
    def __init__(self, port):
        self.name = port
        super().__init__(("", port), Handler)
def main():
    threading.Thread(target=Server(9100).serve_forever, daemon=True).start()
    Server(8080).serve_forever()
`;

it('an app may declare another port for its metrics, which is its own, too', async () => {
  const runners = [1, 2].map(() => lab.start(app, { metricsPort: 9100 }));
  for (const { ready } of runners) {
    const address = await ready;
    if (address?.metricsPort === undefined) throw new Error('no address');
    const page = await fetchMetricsPage(address, address.metricsPort, AbortSignal.timeout(30_000));
    expect(page).toEqual({ kind: 'page', text: '/metrics at 9100' });
  }
});
