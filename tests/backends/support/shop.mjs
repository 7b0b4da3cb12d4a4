// A client of a backend, as a mini program is one: requests with headers, the answer's text and JSON.

export class Shop {
  constructor(url) {
    this.url = url;
  }

  get(path, headers) {
    return this.#request('GET', path, undefined, headers);
  }

  json(path, body, headers) {
    return this.#request('POST', path, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
  }

  form(path, fields, headers) {
    const type = 'application/x-www-form-urlencoded';
    return this.#request('POST', path, new URLSearchParams(fields).toString(), { 'content-type': type, ...headers });
  }

  async #request(method, path, body, headers) {
    const answer = await fetch(this.url + path, {
      method,
      body,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
    });
    const text = await answer.text();
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      // Not JSON: a page, or nothing.
    }
    const cookie = answer.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
    return { status: answer.status, headers: answer.headers, cookie, text, data };
  }
}
