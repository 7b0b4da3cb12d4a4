// `order` is the one of this session, with the challenge that was stored when it was made.
export function isForOrder(resultJSON, order) {
  const { raw } = JSON.parse(resultJSON);
  return typeof raw === 'string' && raw === order.challenge;
}
