// The calls of the server's journal that are kept here.

/** Calls that are fetched at once; if more have come meanwhile, the older ones are skipped. */
const PAGE = 200;
/** Calls that are kept here, as many as the server keeps. */
const MOST_KEPT = 10_000;
/** Calls in one answer of the server, at most; there are fewer where they are large. */
const SERVER_PAGE = 1000;

/**
 * The calls that were fetched, from old to new. A `{gap}` stands where some were skipped.
 *
 * Tells `change`, and before it `forgotten` when they were another server's.
 */
export class Calls extends EventTarget {
  #bridge;
  #isFetching = false;
  #isFetchingOlder = false;
  #isDoubted = false;
  #wanted = 0;
  /** Older ones may be had from the server. */
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
        if (this.#wanted <= this.#last) break;
        const wanted = this.#wanted;
        const after = this.#last;
        const fetched = wanted - after > PAGE || after === 0
          ? await this.#bridge.journal({ before: wanted + 1, limit: PAGE })
          : await this.#bridge.journal({ after, limit: PAGE });
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
      const isSame = known?.number === newest.number && known.at === newest.at && known.call === newest.call;
      if (!isSame) {
        this.entries = [];
        this.hasOlder = false;
        this.dispatchEvent(new Event('forgotten'));
        this.dispatchEvent(new Event('change'));
      }
    }
    this.#isDoubted = false;
  }

  /** Has the calls fetched once more when the server tells the newest number again: it writes in another language then. */
  forgetWords() {
    this.entries = [];
    this.hasOlder = false;
  }

  /** Fetches the calls before the oldest that is here. */
  async older() {
    const oldest = this.entries[0];
    if (oldest === undefined || this.#isFetchingOlder) return;
    this.#isFetchingOlder = true;
    try {
      const fetched = await this.#bridge.journal({ before: oldest.number, limit: SERVER_PAGE });
      // Dropped or forgotten meanwhile.
      if (this.entries[0] !== oldest) return;
      this.hasOlder = fetched.length > 0 && fetched[0].number > 1 && this.entries.length + fetched.length < MOST_KEPT;
      this.entries.unshift(...fetched);
      this.dispatchEvent(new Event('change'));
    } finally {
      this.#isFetchingOlder = false;
    }
  }

  /** Everything that the server keeps, with what was skipped here. */
  async all() {
    const all = [];
    for (;;) {
      const fetched = await this.#bridge.journal({ after: all[all.length - 1]?.number ?? 0, limit: SERVER_PAGE });
      if (fetched.length === 0) return all;
      all.push(...fetched);
    }
  }
}
