// Pages, forms, a cookie and redirects.
import { fresh, openOrder, openidOf, orderOf, pay, Refusal, serve } from './shop.mjs';

const sessions = new Map(); // by cookie: { openid, csrf }

const page = (body) => ({ body: `<!doctype html><title>Shop</title>${body}` });
const redirect = (location, headers) => ({ status: 303, headers: { location, ...headers } });

serve(async ({ method, path, text, headers }) => {
  const form = new URLSearchParams(text);
  if (path === '/login' && method === 'POST') {
    const [sid, csrf] = [fresh(), fresh()];
    sessions.set(sid, { openid: await openidOf(form.get('code')), csrf });
    return redirect('/', { 'set-cookie': `sid=${sid}; Path=/; HttpOnly` });
  }
  const session = sessions.get((headers.cookie ?? '').match(/(?:^|; )sid=(\w+)/)?.[1]);
  if (!session) throw new Refusal(401, 'log in');
  if (method === 'POST' && form.get('csrf') !== session.csrf) throw new Refusal(403, 'csrf');
  const csrf = `<input type="hidden" name="csrf" value="${session.csrf}">`;
  if (path === '/orders/new') return page(`<form method="post" action="/orders">${csrf}</form>`);
  if (path === '/orders' && method === 'POST') return redirect(`/orders/${openOrder(session.openid).id}`);
  const [, id, action] = path.match(/^\/orders\/(\w+)(\/pay)?$/) ?? [];
  const order = orderOf(id, session.openid);
  if (action && method === 'POST') {
    await pay(order, form.get('resultJSON'), form.get('resultJSONSignature'));
    return redirect(`/orders/${id}`);
  }
  return page(`<p class="state">${order.paid ? 'paid' : 'open'}</p><form data-challenge="${order.challenge}">${csrf}</form>`);
});
