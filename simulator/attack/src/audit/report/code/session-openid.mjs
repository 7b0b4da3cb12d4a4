// Nothing of the request but the order's number, the text and its signature. Who it is, and what is paid, the server knows.
export async function payment(request, sessions, orders) {
  const session = await sessions.find(request.headers.authorization); // made by jscode2session at the login
  if (!session) return { status: 401 };
  const order = await orders.ofUser(session.userId, request.body.orderId);
  if (!order) return { status: 404 };
  const { resultJSON, resultJSONSignature } = request.body;
  return { openid: session.openid, amount: order.amount, challenge: order.challenge, resultJSON, resultJSONSignature };
}
