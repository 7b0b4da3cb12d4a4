# Verifies AuthKeys and results with Erlang's public_key; jiffy only reads JSON. The part above the dashes is for your server.
defmodule Soter do
  defmodule Refused do
    defexception [:message]
  end

  def require!(true, _check), do: :ok
  def require!(false, check), do: raise(Refused, check)

  def read_key(pem) do
    [entry] = :public_key.pem_decode(pem)
    {:RSAPublicKey, _modulus, _exponent} = :public_key.pem_entry_decode(entry)
  end

  def signed?({text, signature}, key, salt_length) do
    options = [rsa_padding: :rsa_pkcs1_pss_padding, rsa_mgf1_md: :sha256, rsa_pss_saltlen: salt_length]
    :public_key.verify(text, :sha256, signature, key, options)
  end

  def decode(text), do: :jiffy.decode(text, [:return_maps])

  @doc "At upload. `ask` is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey."
  def accept_auth_key(ask, {text, _signature} = exported) do
    require!(signed?(exported, ask.key, ask.salt_length), "auth-key-signature")
    # Huawei's exports have line feeds inside a string, which JSON does not allow.
    export = text |> String.replace("\n", "\\n") |> decode()
    {:RSAPublicKey, modulus, exponent} = key = read_key(export["pub_key"])
    # Other lengths are of no phone, and negative numbers let the library find the length.
    salt_length = Map.get(export, "rsa_pss_saltlen", 20)
    strong? = Bitwise.bsr(modulus, 2047) == 1 and exponent == 65_537
    require!(strong? and salt_length in [20, 32], "auth-key-strength")
    require!({export["cpu_id"], export["uid"]} == {ask.cpu_id, ask.uid}, "auth-key-owner")
    require!(is_integer(export["counter"]) and export["counter"] > ask.counter, "auth-key-counter")
    %{key: key, salt_length: salt_length, cpu_id: export["cpu_id"], uid: export["uid"]}
  end

  @doc "At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step."
  def check_result(auth_key, {text, _signature} = result, challenge, highest_counter) do
    # The bytes as they came, and the salt length of the key, not that of the message.
    require!(signed?(result, auth_key.key, auth_key.salt_length), "result-signature")
    said = decode(text)
    require!(Map.get(said, "rsa_pss_saltlen", 20) === auth_key.salt_length, "result-salt")
    require!({said["cpu_id"], said["uid"]} == {auth_key.cpu_id, auth_key.uid}, "result-owner")
    require!(said["raw"] === challenge, "challenge")
    require!(is_integer(said["counter"]) and said["counter"] > highest_counter, "counter")
    said["counter"]
  end
end

# ----- The cases of `soter-sim vectors DIR`.

[folder] = System.argv()
read = fn name -> File.read!(Path.join(folder, name)) end
signed = fn part -> {read.(part["json"]), read.(part["signature"])} end

refused_by = fn %{"ask" => ask} = test ->
  try do
    Soter.require!(ask["verified"], "ask")
    key = Soter.read_key(read.(ask["key"]))
    known = %{key: key, salt_length: ask["saltLength"], cpu_id: ask["cpuId"], uid: ask["uid"], counter: ask["counter"]}
    auth_key = Soter.accept_auth_key(known, signed.(test["authKey"]))
    Soter.check_result(auth_key, signed.(test["result"]), test["challenge"], test["highestCounter"])
    :null
  rescue
    refused in Soter.Refused -> refused.message
  end
end

{:ok, _} = Application.ensure_all_started(:public_key)
IO.puts("library: public_key #{Application.spec(:public_key, :vsn)}, Elixir #{System.version()}")

as_expected =
  for test <- Soter.decode(read.("manifest.json"))["cases"] do
    check = refused_by.(test)
    IO.puts("#{test["name"]}: #{if check == :null, do: "accepted", else: check}")
    check == test["refusedBy"]
  end

System.halt(if Enum.all?(as_expected), do: 0, else: 1)
