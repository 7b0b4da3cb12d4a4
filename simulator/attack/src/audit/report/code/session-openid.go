package backend

import "errors"

// Session was made at the login, with the openid that jscode2session gave.
type Session struct {
	UserID int64
	OpenID string
}

// Order is stored on the server, with its amount and its challenge.
type Order struct {
	UserID    int64
	Amount    int64
	Challenge string
}

// OpenIDForPayment believes nothing that the request says about the user: session and order are the server's own.
func OpenIDForPayment(session *Session, order *Order) (string, error) {
	if session == nil || order == nil || order.UserID != session.UserID {
		return "", errors.New("no such order of this user")
	}
	return session.OpenID, nil
}
