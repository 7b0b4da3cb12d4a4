// A relay between a backend and WeChat's servers, on which an exploit can switch an outage on.
import { createServer } from 'node:http';
import { once } from 'node:events';

export class WeChatBetween {
  /** In place of WeChat's answer: a function of the request's path that answers, or undefined to let it through. */
  outage = () => undefined;
  #server;

  static async to(url) {
    const between = new WeChatBetween();
    between.#server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const instead = between.outage(request.url);
      if (instead === 'silence') return;
      if (instead) return response.writeHead(instead.status, instead.headers).end(instead.body);
      try {
        const answer = await fetch(url + request.url, {
          method: request.method,
          body: chunks.length > 0 ? Buffer.concat(chunks) : undefined,
          headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        });
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
        response.end(await answer.text());
      } catch {
        response.writeHead(502).end();
      }
    });
    between.#server.listen(0, '127.0.0.1');
    await once(between.#server, 'listening');
    between.url = `http://127.0.0.1:${between.#server.address().port}`;
    return between;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
