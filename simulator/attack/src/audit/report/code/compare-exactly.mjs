// `result` is the verified text, parsed once; `order` is the one of this session, with the challenge that was stored when it
// was made.
export function isForOrder(result, order) {
  return typeof result.raw === 'string' && result.raw === order.challenge;
}
