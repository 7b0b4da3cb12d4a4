// A proxy in front of a backend that records what passes as HAR, as a browser's developer tools do.
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Recorder {
  #entries = [];
  #server;

  /** Records the requests to this server. */
  static async of(url) {
    const recorder = new Recorder();
    recorder.#server = createServer((request, response) => recorder.#pass(url, request, response));
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    recorder.url = `http://127.0.0.1:${recorder.#server.address().port}`;
    return recorder;
  }

  async #pass(url, request, response) {
    const startedDateTime = new Date().toISOString();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { host, connection, ...headers } = request.headers;
    try {
      const answer = await fetch(url + request.url, {
        method: request.method,
        headers,
        body: body.length > 0 ? body : undefined,
        redirect: 'manual',
      });
      const content = Buffer.from(await answer.arrayBuffer());
      const mimeType = answer.headers.get('content-type') ?? '';
      const answerHeaders = [...answer.headers].filter(([name]) => name !== 'content-length' && name !== 'content-encoding');
      this.#entries.push({
        startedDateTime,
        time: 1,
        request: {
          method: request.method,
          url: url + request.url,
          httpVersion: 'HTTP/1.1',
          headers: pairs({ host: new URL(url).host, ...headers }),
          ...(body.length > 0 && { postData: { mimeType: headers['content-type'] ?? '', text: body.toString() } }),
        },
        response: {
          status: answer.status,
          headers: answerHeaders.map(([name, value]) => ({ name, value })),
          // Every other body in Base64, as browsers write what they do not take for text.
          content: { mimeType, ...text(content, this.#entries.length % 2 === 1) },
        },
      });
      response.writeHead(answer.status, answerHeaders.flat());
      response.end(content);
    } catch {
      response.writeHead(502).end();
    }
  }

  /** What was recorded, among what a browser records as well. */
  har() {
    const [first] = this.#entries;
    const get = (url, mimeType, text) => ({
      startedDateTime: first.startedDateTime,
      request: { method: 'GET', url, headers: [] },
      response: { status: 200, headers: [], content: { mimeType, text } },
    });
    const origin = new URL(first.request.url).origin;
    const noise = [
      get(`${origin}/logo.png`, 'image/png', ''),
      get('https://cdn.example.com/app.js', 'text/javascript', 'x'),
      { ...get(`${origin}/pay`, '', ''), request: { method: 'OPTIONS', url: `${origin}/pay`, headers: [] } },
      { startedDateTime: first.startedDateTime, request: null },
    ];
    return { log: { version: '1.2', creator: { name: 'recorder', version: '1' }, entries: [...noise, ...this.#entries] } };
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const pairs = (headers) => Object.entries(headers).map(([name, value]) => ({ name, value }));

const text = (content, asBase64) =>
  asBase64 ? { text: content.toString('base64'), encoding: 'base64' } : { text: content.toString() };
