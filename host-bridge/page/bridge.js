// The way to the server: JSON-RPC over /ws, which reconnects by itself, and the journal over HTTP.

import { parse } from './json.js';
import { languageTag } from './texts.js';

/** Between two attempts to connect, in milliseconds; the last one is repeated. */
const PAUSES = [250, 500, 1000, 2000];
/** A server that says nothing for so long when it is called is taken for gone. Nothing that the page calls waits for a person, but for `wx.*`. */
const PATIENCE = 15_000;
/** A server that has said nothing for so long is called, so that one that hangs is told from one that has nothing to say. */
const SILENCE = 5_000;

/** What the server did not carry out: one line what happened, one what to do. */
export class Refused extends Error {
  constructor({ message, data }) {
    super(message);
    this.what = message;
    this.next = data?.next ?? '';
  }
}

/** There is no server at the other end right now. */
export class Offline extends Error {}

/** Tells `online`, `offline`, `event` (detail: what happened) and `head` (detail: the number of the newest call). */
export class Bridge extends EventTarget {
  #socket = null;
  #waiting = new Map();
  #lastId = 0;
  #attempt = 0;
  #timer = null;
  #heard = 0;
  #isToReconnect = false;
  /** Calls that wait for the connection in the new language; `null` when none has to wait. */
  #held = null;
  online = false;
  /** The language that the server uses on this connection. The page's may be another one while answers are waited for. */
  language = languageTag();

  constructor(address = window.location) {
    super();
    this.origin = address.origin;
    this.token = new URLSearchParams(address.search).get('token');
    // A computer that wakes up should not wait for the next attempt.
    window.addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => document.hidden || this.#hurry());
    setInterval(() => this.#probe(), SILENCE / 2);
    this.#connect();
  }

  /** Calls a method. Throws `Refused` or `Offline`. */
  call(method, params = {}) {
    if (!this.online) {
      if (this.#held === null) return Promise.reject(new Offline());
      return new Promise((resolve, reject) => this.#held.push(() => this.call(method, params).then(resolve, reject)));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const patience = method.startsWith('wx.') ? null : setTimeout(() => this.#lose(this.#socket), PATIENCE);
      this.#waiting.set(id, { resolve, reject, patience });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** Calls of the journal: `{after, limit}` or `{before, limit}`. The oldest first. */
  async journal(range) {
    const url = new URL('/sim/journal', this.origin);
    url.searchParams.set('lang', languageTag());
    for (const [name, value] of Object.entries(range)) url.searchParams.set(name, value);
    const headers = this.token === null ? {} : { authorization: `Bearer ${this.token}` };
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const answer = await fetch(url, { headers, cache: 'no-store', signal: patience.signal });
      const told = parse(await answer.text());
      if (!answer.ok) throw new Refused({ message: told.error, data: told });
      return told.entries;
    } catch (error) {
      throw error instanceof Refused ? error : new Offline();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Calls a server that has been quiet for a while, unless an answer of it is waited for anyway. */
  #probe() {
    if (!this.online || performance.now() - this.#heard < SILENCE) return;
    if ([...this.#waiting.values()].some(({ patience }) => patience !== null)) return;
    this.call('device.profiles').catch(() => {});
  }

  #connect() {
    clearTimeout(this.#timer);
    const url = new URL('/ws', this.origin.replace(/^http/, 'ws'));
    if (this.token !== null) url.searchParams.set('token', this.token);
    this.language = languageTag();
    url.searchParams.set('lang', this.language);
    this.#isToReconnect = false;
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.online = true;
      this.#heard = performance.now();
      this.#attempt = 0;
      this.call('events.subscribe', { topics: ['phone', 'journal.head'] }).catch(() => {});
      this.#release();
      this.dispatchEvent(new Event('online'));
    };
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => {
      this.#lose(socket);
      if (this.#socket === null) this.#release();
    };
  }

  /** Holds calls until the new connection is open. If the server does not answer, they fail after `SILENCE`. */
  #hold() {
    const held = [];
    this.#held = held;
    setTimeout(() => this.#held === held && this.#release(), SILENCE);
  }

  /** Sends the held calls. If there is no connection, each of them throws `Offline`. */
  #release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const call of held) call();
  }

  #hear({ id, method, params, result, error }) {
    this.#heard = performance.now();
    if (method === 'event') this.dispatchEvent(new CustomEvent('event', { detail: params }));
    else if (method === 'journal.head') this.dispatchEvent(new CustomEvent('head', { detail: params.last }));
    else if (method === 'events.lagged') this.dispatchEvent(new CustomEvent('event', { detail: { event: 'lagged' } }));
    else if (this.#waiting.has(id)) {
      const { resolve, reject, patience } = this.#waiting.get(id);
      this.#waiting.delete(id);
      clearTimeout(patience);
      if (error) reject(new Refused(error));
      else resolve(result);
      // After the caller, which may make another call with this answer.
      if (this.#isToReconnect) setTimeout(() => this.#reconnect());
    }
  }

  #lose(socket) {
    if (socket !== this.#socket) return;
    // One that hangs would take its time to close.
    this.#socket = null;
    socket.close();
    const wasOnline = this.online;
    this.online = false;
    for (const { reject, patience } of this.#waiting.values()) {
      clearTimeout(patience);
      reject(new Offline());
    }
    this.#waiting.clear();
    this.#timer = setTimeout(() => this.#connect(), PAUSES[Math.min(this.#attempt++, PAUSES.length - 1)]);
    if (wasOnline || this.#attempt === 1) this.dispatchEvent(new Event('offline'));
  }

  /** Reconnects in the page's language. The server uses the language that the address of a connection asks for. */
  speak() {
    this.#isToReconnect = true;
    this.#reconnect();
  }

  /** Reconnects if that is wanted, once no answer is waited for: it would be lost, though the call was carried out. */
  #reconnect() {
    if (!this.#isToReconnect || this.#waiting.size > 0) return;
    if (this.online) this.#hold();
    // One that is still connecting asks for the old language, too.
    if (this.#socket) this.#lose(this.#socket);
    this.#hurry();
  }

  #hurry() {
    if (this.online || this.#socket?.readyState === WebSocket.CONNECTING) return;
    this.#attempt = 0;
    this.#connect();
  }
}
