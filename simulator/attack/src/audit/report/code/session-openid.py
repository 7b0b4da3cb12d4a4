# Nothing of the request but the order's number, the text and its signature. Who it is, and what is paid, the server knows.
def payment(request, sessions, orders):
    session = sessions.find(request.headers.get("Authorization"))  # made by jscode2session at the login
    if session is None:
        raise PermissionError("log in first")
    order = orders.of_user(session.user_id, request.json["orderId"])
    if order is None:
        raise LookupError("no such order of this user")
    return {
        "openid": session.openid,
        "amount": order.amount,
        "challenge": order.challenge,
        "json_string": request.json["resultJSON"],
        "json_signature": request.json["resultJSONSignature"],
    }
