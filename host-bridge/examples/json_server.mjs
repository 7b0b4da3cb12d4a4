// A server for JSON by POST, and nothing else.
import { createServer } from 'node:http';

const LONGEST_BODY = 16 * 1024;

/** The refusal of a request. The client gets the reason. */
export class Refusal extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

/** A server whose routes take the request's JSON, and return the answer's JSON or throw a Refusal. */
export function serveJson(routes) {
  return createServer(async (request, response) => {
    const answer = (status, body) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    try {
      if (request.method !== 'POST' || !Object.hasOwn(routes, request.url)) {
        throw new Refusal(404, `POST to one of ${Object.keys(routes).join(', ')}`);
      }
      answer(200, await routes[request.url](await readJson(request)));
    } catch (error) {
      if (error instanceof Refusal) return answer(error.status, { refused: error.message });
      console.error(error);
      answer(500, { refused: 'internal error' });
    }
  });
}

/** The members with these names, each of which must be a text that is not empty. */
export function texts(request, ...names) {
  return names.map((name) => {
    const value = Object(request)[name];
    if (typeof value !== 'string' || value === '') throw new Refusal(400, `${name} is not a text`);
    return value;
  });
}

async function readJson(request) {
  const chunks = [];
  let length = 0;
  // A request that is too long is not destroyed, because the client must get the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw new Refusal(413, `the body is longer than ${LONGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}
