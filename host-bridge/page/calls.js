// The calls of the server's journal that are kept here.

import { languageTag } from './texts.js';

/** Calls that are fetched at once; if more have come meanwhile, the older ones are skipped. */
const PAGE = 200;
/** Calls that are kept here, as many as the server keeps. */
const MOST_KEPT = 10_000;
/** Calls in one answer of the server, at most; there are fewer where they are large. */
const SERVER_PAGE = 1000;

/** Whether both are one call of one server: the calls of another server have numbers from 1, too. */
export function isSameCall(one, other) {
  return one?.number === other?.number && one?.at === other?.at && one?.call === other?.call;
}

/**
 * The calls that were fetched, from old to new. A `{gap}` stands where some were skipped.
 *
 * Tells `change`; before it `forgotten` when they were another server's, and `reworded` when they are here in another language.
 */
export class Calls extends EventTarget {
  #bridge;
  #isFetching = false;
  #isFetchingOlder = false;
  #isDoubted = false;
  #isInOtherLanguage = false;
  #wanted = 0;
  /** The server has older ones. */
  hasOlder = false;
  entries = [];

  constructor(bridge) {
    super();
    this.#bridge = bridge;
    bridge.addEventListener('head', ({ detail: last }) => this.#follow(last));
    // The server that is back may be another one, whose numbers start at 1.
    bridge.addEventListener('offline', () => { this.#isDoubted = true; });
  }

  get #last() {
    return this.entries[this.entries.length - 1]?.number ?? 0;
  }

  /** Fetches up to the newest call. While it does, only the latest wish counts. */
  async #follow(last) {
    this.#wanted = last;
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      for (;;) {
        if (this.#isDoubted) await this.#doubt();
        if (this.#isInOtherLanguage) await this.#readAgain();
        if (this.#isDoubted) continue;
        if (this.#wanted <= this.#last) break;
        const wanted = this.#wanted;
        const after = this.#last;
        const fetched = wanted - after > PAGE || after === 0
          ? await this.#fetch({ before: wanted + 1, limit: PAGE })
          : await this.#fetch({ after, limit: PAGE });
        // Perhaps from another server.
        if (this.#isDoubted) continue;
        if (fetched.length === 0) break;
        const skipped = after === 0 ? 0 : fetched[0].number - after - 1;
        if (skipped > 0) this.entries.push({ gap: skipped, number: fetched[0].number - 0.5 });
        if (after === 0) this.hasOlder = fetched[0].number > 1;
        this.entries.push(...fetched);
        if (this.entries.length > MOST_KEPT) {
          this.entries.splice(0, this.entries.length - MOST_KEPT);
          this.hasOlder = false;
        }
        this.dispatchEvent(new Event('change'));
      }
    } catch {
      // The server has gone; it tells the newest number again when it is back.
    } finally {
      this.#isFetching = false;
    }
  }

  /** Forgets the calls unless the server still knows the newest of them. */
  async #doubt() {
    const newest = this.entries[this.entries.length - 1];
    if (newest) {
      const [known] = await this.#bridge.journal({ after: newest.number - 1, limit: 1 });
      if (!isSameCall(known, newest)) {
        this.entries = [];
        this.hasOlder = false;
        this.dispatchEvent(new Event('forgotten'));
        this.dispatchEvent(new Event('change'));
      }
    }
    this.#isDoubted = false;
  }

  /** Has the calls fetched once more, in the page's new language, when the server tells the newest number again. */
  speak() {
    this.#isInOtherLanguage = true;
  }

  /** Fetches the calls that are here in the page's language. Those that the server has dropped keep their words. */
  async #readAgain() {
    const tag = languageTag();
    const newest = this.#last;
    if (newest > 0) {
      // A gap may be the first.
      const fetched = await this.all(Math.floor(this.entries[0].number) - 1, newest);
      // Perhaps from another server.
      if (this.#isDoubted) return;
      const reworded = new Map(fetched.map((entry) => [entry.number, entry]));
      this.entries = this.entries.map((entry) => reworded.get(entry.number) ?? entry);
      this.dispatchEvent(new Event('reworded'));
      this.dispatchEvent(new Event('change'));
    }
    this.#isInOtherLanguage = tag !== languageTag();
  }

  /** A page of the journal, in the language that the page has when it is there. */
  async #fetch(range) {
    for (;;) {
      const tag = languageTag();
      const fetched = await this.#bridge.journal(range);
      if (tag === languageTag()) return fetched;
    }
  }

  /** Fetches the calls before the oldest that is here. */
  async older() {
    const oldest = this.entries[0];
    if (oldest === undefined || this.#isFetchingOlder) return;
    this.#isFetchingOlder = true;
    try {
      const fetched = await this.#fetch({ before: oldest.number, limit: SERVER_PAGE });
      // Dropped or forgotten meanwhile, or perhaps from another server.
      if (!isSameCall(this.entries[0], oldest) || this.#isDoubted) return;
      this.hasOlder = fetched.length > 0 && fetched[0].number > 1 && this.entries.length + fetched.length < MOST_KEPT;
      this.entries.unshift(...fetched);
      this.dispatchEvent(new Event('change'));
    } finally {
      this.#isFetchingOlder = false;
    }
  }

  /** Everything that the server keeps after a number and up to another one, with what was skipped here. */
  async all(after = 0, last = Infinity) {
    const all = [];
    for (;;) {
      const newest = all[all.length - 1]?.number ?? after;
      const fetched = newest < last ? await this.#fetch({ after: newest, limit: SERVER_PAGE }) : [];
      if (fetched.length === 0) return all;
      all.push(...fetched);
    }
  }
}
