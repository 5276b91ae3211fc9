// `cdk synth` gives the resources of ../template.yaml with the built binaries, and refuses binaries that could not run.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const HERE = import.meta.dirname;
const NATIVE = { arm64: 'arm64', x64: 'x86_64' }[process.arch];
const OTHER = { arm64: { machine: 0x3e, name: 'x86_64' }, x64: { machine: 0xb7, name: 'arm64' } }[process.arch];

const template = parse(await readFile(join(HERE, '../template.yaml'), 'utf8'));
const functions = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::Serverless::Function');
const work = await mkdtemp(join(tmpdir(), 'landfall-cdk-'));
after(() => rm(work, { recursive: true }));

// The start of a binary for this architecture, and one for the other architecture.
const native = (await readFile(process.execPath)).subarray(0, 4096);
const other = Buffer.from(native);
other.writeUInt16LE(OTHER.machine, 18);

async function synth(name, binaries) {
  for (const [, { Properties }] of binaries ? functions : []) {
    const crate = basename(Properties.CodeUri);
    await mkdir(join(work, name, crate), { recursive: true });
    await writeFile(join(work, name, crate, 'bootstrap'), binaries(crate), { mode: 0o755 });
  }
  const out = join(work, `${name}.out`);
  // Without credentials and a region: `synth` must not need them.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('AWS_')));
  const cdk = ['cdk', 'synth', '--quiet', '--output', out, '--context', `binaries=${join(work, name)}`];
  await promisify(execFile)('npx', cdk, { cwd: HERE, env });
  return out;
}

test('the resources are those of the template, with the code and the architecture of the binaries', async () => {
  const out = await synth('built', () => native);
  const stack = JSON.parse(await readFile(join(out, 'landfall.template.json'), 'utf8'));
  const expected = structuredClone(template);
  delete expected.Parameters.Architecture;
  expected.Globals.Function.Architectures = [NATIVE];
  for (const [id] of functions) {
    const { CodeUri } = stack.Resources[id].Properties;
    const asset = join(out, `asset.${basename(CodeUri.Key, '.zip')}`, 'bootstrap');
    assert.deepEqual(await readFile(asset), native);
    expected.Resources[id].Properties.CodeUri = { Bucket: CodeUri.Bucket, Key: CodeUri.Key };
  }
  // Added by the CDK: a check that the account is bootstrapped.
  delete stack.Parameters.BootstrapVersion;
  delete stack.Rules.CheckBootstrapVersion;
  assert.deepEqual(stack, expected);
});

test('binaries for several architectures are refused', async () => {
  const mixed = synth('mixed', (crate) => (crate === 'issuer' ? other : native));
  await assert.rejects(mixed, ({ stderr }) => {
    assert.match(stderr, /built for several architectures/);
    return stderr.includes(`${NATIVE} ${work}`) && stderr.includes(`${OTHER.name} ${work}`);
  });
});

test('a missing binary is named, with the command to build it', async () => {
  await assert.rejects(synth('nothing'), { message: /bootstrap is not there: cargo lambda build .* -p [a-z-]+/ });
});
