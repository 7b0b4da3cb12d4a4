// Five attacks that every correct backend refuses. Each is given what the mini program of the backend can do.
import { randomBytes } from 'node:crypto';

/** Names of the attacks that went through. */
export async function successfulAttacks(client, shop, { alice, mallory }) {
  const session = await client.login(shop, alice);
  const attacks = {
    async replay() {
      const order = await client.order(shop, session);
      const signed = await sign(client, alice, order);
      if (!(await client.pay(shop, session, order, signed))) throw new Error('the honest payment is refused');
      const other = await client.order(shop, session);
      return client.pay(shop, session, other, signed);
    },
    async 'changed raw'() {
      const order = await client.order(shop, session);
      const { resultJSON, ...rest } = await sign(client, alice, { ...order, challenge: 'x' });
      const changed = resultJSON.replace('"raw":"x"', () => `"raw":${JSON.stringify(order.challenge)}`);
      return client.pay(shop, session, order, { resultJSON: changed, ...rest });
    },
    async 'garbage signature'() {
      const order = await client.order(shop, session);
      const signed = await sign(client, alice, order);
      const resultJSONSignature = randomBytes(256).toString('base64');
      return client.pay(shop, session, order, { ...signed, resultJSONSignature });
    },
    async "another user's order"() {
      const order = await client.order(shop, session);
      const hers = await client.login(shop, mallory);
      return client.pay(shop, hers, order, await sign(client, mallory, order));
    },
    async 'lower counter'() {
      const copy = await alice.clone(`copy-${randomBytes(4).toString('hex')}`);
      const first = await client.order(shop, session);
      if (!(await client.pay(shop, session, first, await sign(client, alice, first)))) {
        throw new Error('the honest payment is refused');
      }
      const order = await client.order(shop, session);
      return client.pay(shop, session, order, await sign(client, copy, order));
    },
  };
  const successful = [];
  for (const [name, attack] of Object.entries(attacks)) {
    // A backend may lock or slow down the user after a refusal; its client knows how long.
    await client.afterRefusal?.();
    if (await attack()) successful.push(name);
  }
  return successful;
}

/** What the phone gives for an order: signed as a mini program does, or as the client of this backend does. */
export function sign(client, phone, order) {
  return client.sign ? client.sign(phone, order) : phone.sign(order.challenge);
}
