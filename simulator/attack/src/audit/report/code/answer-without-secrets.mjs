// Name what an answer has; never spread a record that came from WeChat or from the database into it.
export const loginAnswer = (session) => ({ token: session.token });
export const orderAnswer = (order) => ({ id: order.id, amount: order.amount, state: order.state, challenge: order.challenge });

// The last handler of Express: the text of an error stays in the log.
export function onError(error, request, response, next) {
  console.error(error);
  if (response.headersSent) return next(error);
  response.status(500).json({ error: 'internal' });
}
