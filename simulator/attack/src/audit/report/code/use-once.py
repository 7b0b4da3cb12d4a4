# In one transaction with what the payment does. Only the first of two requests changes a row, also if both come at once.
def take_order(cursor, order_id, user_id):
    cursor.execute(
        "UPDATE orders SET state = 'paid' WHERE id = %s AND user_id = %s AND state = 'open' RETURNING challenge",
        (order_id, user_id),
    )
    return cursor.fetchone()  # None: it is paid already, or somebody else's: refuse the result
