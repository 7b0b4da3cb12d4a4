#!/usr/bin/env escript
%% Verifies AuthKeys and results with Erlang's public_key, which Elixir calls as :public_key; jiffy only reads JSON. The part above
%% the dashes is for your server.

require(true, _Check) -> ok;
require(false, Check) -> throw({refused, Check}).

read_key(Pem) ->
    [Entry] = public_key:pem_decode(Pem),
    %% The record of public_key.hrl, written as a tuple.
    {'RSAPublicKey', _Modulus, _Exponent} = public_key:pem_entry_decode(Entry).

is_signed({Text, Signature}, Key, SaltLength) ->
    Options = [{rsa_padding, rsa_pkcs1_pss_padding}, {rsa_mgf1_md, sha256}, {rsa_pss_saltlen, SaltLength}],
    public_key:verify(Text, sha256, Signature, Key, Options).

%% At upload. The first argument is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey.
accept_auth_key(#{key := AskKey, salt := AskSalt, cpu_id := CpuId, uid := Uid, counter := AskCounter}, {Text, _} = Exported) ->
    require(is_signed(Exported, AskKey, AskSalt), <<"auth-key-signature">>),
    %% Huawei's exports have line feeds inside a string, which JSON does not allow.
    Export = jiffy:decode(binary:replace(Text, <<"\n">>, <<"\\n">>, [global]), [return_maps]),
    {'RSAPublicKey', Modulus, Exponent} = Key = read_key(maps:get(<<"pub_key">>, Export)),
    %% Other lengths are of no phone, and negative numbers let the library find the length.
    SaltLength = maps:get(<<"rsa_pss_saltlen">>, Export, 20),
    IsStrong = Modulus bsr 2047 =:= 1 andalso Exponent =:= 65537,
    require(IsStrong andalso lists:member(SaltLength, [20, 32]), <<"auth-key-strength">>),
    #{<<"cpu_id">> := ItsCpuId, <<"uid">> := ItsUid, <<"counter">> := Counter} = Export,
    require({ItsCpuId, ItsUid} =:= {CpuId, Uid}, <<"auth-key-owner">>),
    require(is_integer(Counter) andalso Counter > AskCounter, <<"auth-key-counter">>),
    #{key => Key, salt => SaltLength, cpu_id => CpuId, uid => Uid}.

%% At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step.
check_result(#{key := Key, salt := SaltLength, cpu_id := CpuId, uid := Uid}, {Text, _} = Result, Challenge, HighestCounter) ->
    %% The bytes as they came, and the salt length of the key, not that of the message.
    require(is_signed(Result, Key, SaltLength), <<"result-signature">>),
    #{<<"raw">> := Raw, <<"cpu_id">> := ItsCpuId, <<"uid">> := ItsUid, <<"counter">> := Counter} = Said =
        jiffy:decode(Text, [return_maps]),
    require(maps:get(<<"rsa_pss_saltlen">>, Said, 20) =:= SaltLength, <<"result-salt">>),
    require({ItsCpuId, ItsUid} =:= {CpuId, Uid}, <<"result-owner">>),
    require(Raw =:= Challenge, <<"challenge">>),
    require(is_integer(Counter) andalso Counter > HighestCounter, <<"counter">>),
    Counter.

%% ----- The cases of `soter-sim vectors DIR`.

read(Folder, Name) ->
    {ok, Bytes} = file:read_file(filename:join(Folder, Name)),
    Bytes.

signed(Folder, #{<<"json">> := Json, <<"signature">> := Signature}) -> {read(Folder, Json), read(Folder, Signature)}.

judge(Folder, #{<<"ask">> := Ask, <<"authKey">> := AuthKey, <<"result">> := Result} = Case) ->
    try
        require(maps:get(<<"verified">>, Ask), <<"ask">>),
        Known = #{key => read_key(read(Folder, maps:get(<<"key">>, Ask))), salt => maps:get(<<"saltLength">>, Ask),
                  cpu_id => maps:get(<<"cpuId">>, Ask), uid => maps:get(<<"uid">>, Ask), counter => maps:get(<<"counter">>, Ask)},
        Accepted = accept_auth_key(Known, signed(Folder, AuthKey)),
        #{<<"challenge">> := Challenge, <<"highestCounter">> := Highest} = Case,
        check_result(Accepted, signed(Folder, Result), Challenge, Highest),
        null
    catch
        throw:{refused, Check} -> Check
    end.

main([Folder]) ->
    {ok, _} = application:ensure_all_started(public_key),
    {ok, Version} = application:get_key(public_key, vsn),
    [{_, _, OpenSsl} | _] = crypto:info_lib(),
    io:format("library: public_key ~s of OTP ~s, ~s~n", [Version, erlang:system_info(otp_release), short(OpenSsl)]),
    #{<<"cases">> := Cases} = jiffy:decode(read(Folder, "manifest.json"), [return_maps]),
    AsExpected = [report(Folder, Case) || Case <- Cases],
    halt(case lists:all(fun(Good) -> Good end, AsExpected) of true -> 0; false -> 1 end).

short(OpenSsl) -> lists:join(" ", lists:sublist(string:lexemes(binary_to_list(OpenSsl), " "), 2)).

report(Folder, #{<<"name">> := Name, <<"refusedBy">> := Expected} = Case) ->
    Check = judge(Folder, Case),
    io:format("~s: ~s~n", [Name, case Check of null -> <<"accepted">>; _ -> Check end]),
    Check =:= Expected.
