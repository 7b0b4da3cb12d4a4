final class AnswerWithoutSecrets {
    /** What jscode2session gave stays on the server: session_key, and with it openid and unionid. */
    record Session(String token, String openid, String sessionKey) {}

    /** Types of their own for answers: what is not named here cannot be in them. */
    record LoginAnswer(String token) {}

    record OrderAnswer(long id, long amount, String state, String challenge) {}

    static LoginAnswer answer(Session session) {
        return new LoginAnswer(session.token());
    }
}
