import logging


# Name what an answer has; never put a record that came from WeChat or from the database into it.
def login_answer(session) -> dict:
    return {"token": session.token}


def order_answer(order) -> dict:
    return {"id": order.id, "amount": order.amount, "state": order.state, "challenge": order.challenge}


# Flask: app.register_error_handler(Exception, on_error). The text of an error stays in the log.
def on_error(error: Exception):
    logging.exception(error)
    return {"error": "internal"}, 500
