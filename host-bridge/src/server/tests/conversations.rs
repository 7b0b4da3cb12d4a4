//! A WebSocket from the first call to the close frame.

use super::*;

#[tokio::test]
async fn a_client_calls_the_service_and_receives_events() {
    let server = start(|_| {}).await;
    let connection = Connection::open(&format!("http://{}/", server.address)).await.unwrap();
    assert_eq!(connection.request(None, device::List::default()).await.unwrap().selected, "phone");
    let error = connection.request(Some("other"), device::List::default()).await.unwrap_err();
    assert_eq!((error.kind, error.next.english()), (ErrorKind::UnknownDevice, "devices: phone"));
    let mut events = connection.events();
    connection.request(None, device::List::default()).await.unwrap();
    server.service.events.send(TestService::event(90010)).unwrap();
    assert!(matches!(events.recv().await.unwrap(), Event::Refused { code: 90010, .. }));

    let waits = tokio::spawn({
        let connection = connection.clone();
        async move { connection.request(None, wx::StartSoterAuthentication::default()).await }
    });
    server.waiting(1).await;
    connection.request(None, sensor::Cancel {}).await.unwrap();
    assert_eq!(waits.await.unwrap().unwrap().err_code, 90008);

    server.end().await;
    let error = connection.request(None, device::List::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment);
    let gone = Connection::open("http://127.0.0.1:1").await.unwrap_err();
    assert!(gone.next.english().contains("soter-sim serve"), "{gone:?}");
}

#[tokio::test]
async fn a_disconnect_cancels_only_the_calls_of_that_client() {
    let server = start(|_| {}).await;
    let (mut one, mut other) = (server.socket().await, server.socket().await);
    one.send(call(1, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    other.send(call(1, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    server.waiting(2).await;
    drop(one);
    server.waiting(1).await;
    other.send(call(2, "sensor.cancel", json!({}))).await.unwrap();
    let answers = [next(&mut other).await, next(&mut other).await];
    assert!(answers.iter().any(|answer| answer["result"]["errCode"] == 90008), "{answers:?}");
}

/// Sends an authentication to `/rpc`, and waits until its dialog is open.
async fn post_authentication(server: &Running) -> TcpStream {
    let body = call(1, "wx.startSoterAuthentication", json!({})).to_string();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let (address, length) = (server.address, body.len());
    let head = format!("POST /rpc HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    server.waiting(1).await;
    stream
}

#[tokio::test]
async fn a_request_is_cancelled_when_its_client_disconnects() {
    let server = start(|options| options.limits.half_closed_timeout = Duration::from_millis(100)).await;
    drop(post_authentication(&server).await);
    server.waiting(0).await;
    // Also with the next request already sent, which nobody reads while the first one waits.
    let mut stream = post_authentication(&server).await;
    stream.write_all(b"GET /health HTTP/1.1\r\n").await.unwrap();
    drop(stream);
    server.waiting(0).await;
}

#[tokio::test]
async fn a_request_is_cancelled_at_once_when_its_connection_is_reset() {
    let server = start(|options| options.limits.half_closed_timeout = Duration::from_hours(1)).await;
    let stream = post_authentication(&server).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    server.waiting(0).await;
}

#[tokio::test]
async fn a_client_that_has_shut_down_its_sending_side_gets_its_answer() {
    let server = start(|options| options.limits.half_closed_timeout = Duration::from_hours(1)).await;
    let mut stream = post_authentication(&server).await;
    stream.shutdown().await.unwrap();
    // The server knows that nothing more comes, and waits nevertheless.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_status(
        &server.request("POST", "/rpc", "", &call(2, "sensor.cancel", json!({})).to_string()).await,
        200,
    );
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert_status(&answer, 200);
    assert!(answer.contains(r#""errCode":90008"#), "{answer}");
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_the_connection_stays_open() {
    let server = start(|_| {}).await;
    let connection = Connection::open(&format!("http://{}", server.address)).await.unwrap();
    let other = connection.clone();
    let stays = tokio::spawn(async move {
        other.request(None, wx::StartSoterAuthentication::default()).await.unwrap().err_code
    });
    server.waiting(1).await;
    let dropped = tokio::spawn({
        let connection = connection.clone();
        async move { connection.request(None, wx::StartSoterAuthentication::default()).await }
    });
    server.waiting(2).await;
    dropped.abort();
    server.waiting(1).await;
    connection.request(None, sensor::Cancel {}).await.unwrap();
    assert_eq!(stays.await.unwrap(), 90008);
}

#[tokio::test]
async fn subscribers_receive_only_what_they_subscribed_to() {
    let server = start(|_| {}).await;
    let mut socket = server.socket().await;
    server.service.events.send(TestService::event(1)).unwrap_err();
    socket.send(call(1, "events.subscribe", json!({"topics": ["phone", "journal"]}))).await.unwrap();
    assert_eq!(next(&mut socket).await["result"], json!({}));
    socket.send(call(2, "wx.checkIsSupportSoterAuthentication", json!({}))).await.unwrap();
    let (mut answered, mut written) = (false, false);
    while !(answered && written) {
        let received = next(&mut socket).await;
        answered |= received["id"] == 2;
        written |= received["method"] == "journal"
            && received["params"]["call"] == "wx.checkIsSupportSoterAuthentication";
    }
    server.service.events.send(TestService::event(2)).unwrap();
    let event = next(&mut socket).await;
    assert_eq!((&event["method"], &event["params"]["code"]), (&json!("event"), &json!(2)));
    socket.send(call(3, "events.unsubscribe", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["id"], 3);
    let _ = server.service.events.send(TestService::event(3));
    socket.send(call(4, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["id"], 4);
}

#[tokio::test]
async fn the_events_of_a_call_are_sent_before_its_answer() {
    let server = start(|_| {}).await;
    let (mut subscriber, mut other) = (server.socket().await, server.socket().await);
    subscriber.send(call(0, "events.subscribe", json!({"topics": ["phone"]}))).await.unwrap();
    assert_eq!(next(&mut subscriber).await["id"], 0);
    // Several times, because the server picks at random between an event and an answer that are both ready.
    for id in 1..=40 {
        subscriber.send(call(id, "wx.startSoterAuthentication", json!({}))).await.unwrap();
        server.waiting(1).await;
        other.send(call(id, "sensor.cancel", json!({}))).await.unwrap();
        assert_eq!(next(&mut subscriber).await["params"]["code"], 90008, "call {id}");
        assert_eq!(next(&mut subscriber).await["id"], id);
        assert_eq!(next(&mut other).await["id"], id);
    }
}

#[tokio::test]
async fn the_newest_journal_number_is_sent_rarely_however_many_calls_there_are() {
    let server = start(|_| {}).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "events.subscribe", json!({"topics": ["journal.head"]}))).await.unwrap();
    assert_eq!(next(&mut socket).await["result"], json!({}));
    let head = next(&mut socket).await;
    assert_eq!((&head["method"], &head["params"]), (&json!("journal.head"), &json!({"last": 0})));
    for _ in 0..5000 {
        server.record(Value::Null);
    }
    let mut messages = 0;
    let mut number = Value::Null;
    while number != 5000 {
        number = next(&mut socket).await["params"]["last"].clone();
        messages += 1;
    }
    assert!(messages <= 2, "{messages} messages");
    let answer = server.get("/sim/journal?before=4000&limit=2", "").await;
    assert!(answer.contains(r#"{"number":3998,"#) && answer.contains(r#""last":3999}"#), "{answer}");
}

#[tokio::test]
async fn invalid_frames_close_the_connection_with_the_matching_code() {
    let server = start(|options| options.limits.max_message_bytes = 1000).await;
    let mut binary = server.socket().await;
    binary.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(closed(&mut binary).await, Some(1003));
    let mut large = server.socket().await;
    large.send(Message::text("x".repeat(2000))).await.unwrap();
    assert_eq!(closed(&mut large).await, Some(1009));
    let mut malformed = server.socket().await;
    // A frame with a reserved bit, written directly to the stream.
    let MaybeTlsStream::Plain(stream) = malformed.get_mut() else { panic!("no plain stream") };
    stream.write_all(&[0xF1, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(closed(&mut malformed).await, Some(1002));
    let mut not_text = server.socket().await;
    // A text frame, masked with zeros, whose only byte is not UTF-8.
    let MaybeTlsStream::Plain(stream) = not_text.get_mut() else { panic!("no plain stream") };
    stream.write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xFF]).await.unwrap();
    assert_eq!(closed(&mut not_text).await, Some(1007));
    assert_status(&server.get("/health", "").await, 200);
}

#[tokio::test]
async fn a_client_that_closes_receives_a_close_frame() {
    let server = start(|_| {}).await;
    for pending in [false, true] {
        let mut socket = server.socket().await;
        if pending {
            socket.send(call(1, "wx.startSoterAuthentication", json!({}))).await.unwrap();
            server.waiting(1).await;
        }
        let good_bye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.close(Some(good_bye)).await.unwrap();
        assert_eq!(closed(&mut socket).await, Some(1000));
        assert!(socket.next().await.is_none());
        server.waiting(0).await;
    }
}

#[tokio::test]
async fn a_panic_in_one_request_does_not_affect_the_others() {
    let server = start(|_| {}).await;
    let mut bystander = server.socket().await;
    let body = call(1, "wx.startSoterAuthentication", json!({"challenge": "panic"})).to_string();
    assert_status(&server.request("POST", "/rpc", "", &body).await, 500);
    let mut socket = server.socket().await;
    socket.send(call(1, "wx.startSoterAuthentication", json!({"challenge": "panic"}))).await.unwrap();
    assert_eq!(closed(&mut socket).await, None);
    bystander.send(call(1, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut bystander).await["id"], 1);
}

#[tokio::test]
async fn a_stop_cancels_pending_calls_and_sends_a_close_frame() {
    let server = start(|options| options.limits.drain_timeout = Duration::from_millis(400)).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "device.list", json!({}))).await.unwrap();
    next(&mut socket).await;
    // Nobody touches the sensor.
    socket.send(call(2, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    server.waiting(1).await;
    let (address, service) = (server.address, Arc::clone(&server.service));
    let ending = tokio::spawn(server.end());
    assert_eq!(closed(&mut socket).await, Some(1001));
    ending.await.unwrap();
    assert_eq!(service.waiting.load(Ordering::SeqCst), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
