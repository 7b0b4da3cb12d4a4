// Runs a recipe of this folder on the cases of `soter-sim vectors DIR`.
import { readFile } from 'node:fs/promises';

/** Takes the recipe's functions, and the error whose message is the check that refuses. The exit code is 0 if all cases are as expected. */
export async function run(library, { readKey, acceptAuthKey, checkResult, Refused }) {
  const folder = process.argv[2];
  const read = (name) => readFile(`${folder}/${name}`);
  const signed = async ({ json, signature }) => ({ json: await read(json), signature: await read(signature) });

  async function refusedBy({ ask, authKey, result, challenge, highestCounter }) {
    if (!ask.verified) return 'ask';
    try {
      const known = await acceptAuthKey({ ...ask, key: await readKey(String(await read(ask.key))) }, await signed(authKey));
      await checkResult(known, await signed(result), challenge, highestCounter);
      return null;
    } catch (error) {
      if (error instanceof Refused) return error.message;
      throw error;
    }
  }

  console.log(`library: ${library}`);
  for (const test of JSON.parse(await read('manifest.json')).cases) {
    const check = await refusedBy(test);
    console.log(`${test.name}: ${check ?? 'accepted'}`);
    if (check !== test.refusedBy) process.exitCode = 1;
  }
}
