// The stack of ../template.yaml, resource by resource, with the binaries from `cargo lambda build`.
//
// Context (`-c name=value`): `stack`, the stack's name, default "landfall"; `binaries`, the folder of the binaries.

import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { App, Lazy, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnFunction } from 'aws-cdk-lib/aws-sam';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

// Lambda's name for each ELF e_machine (System V ABI, chapter 4).
const ARCHITECTURES: Record<number, string> = { 0x3e: 'x86_64', 0xb7: 'arm64' };

function architectureOf(file: string): string {
  const header = Buffer.alloc(20);
  const handle = openSync(file);
  readSync(handle, header);
  closeSync(handle);
  const architecture = header.readUInt32BE(0) === 0x7f454c46 && ARCHITECTURES[header.readUInt16LE(18)];
  if (!architecture) throw new Error(`${file} is not a binary for x86_64 or arm64`);
  return architecture;
}

const app = new App();
const stack = new Stack(app, app.node.tryGetContext('stack') ?? 'landfall');
const binaries = app.node.tryGetContext('binaries') ?? join(import.meta.dirname, '../../target/lambda');

const found = new Map<string, string>(); // architecture -> its first binary
const template = new CfnInclude(stack, 'Template', {
  templateFile: join(import.meta.dirname, '../template.yaml'),
  // Instead of the parameter: on an update, a stack would keep the parameter's old value.
  parameters: { Architecture: Lazy.string({ produce: () => [...found.keys()][0] }) },
});

for (const resource of template.node.children.filter((child) => child instanceof CfnFunction)) {
  const name = basename(resource.codeUri as string);
  const file = join(binaries, name, 'bootstrap');
  if (!existsSync(file)) {
    throw new Error(`${file} is not there: cargo lambda build --release --compiler cargo -p ${name}`);
  }
  found.set(architectureOf(file), file);
  const asset = new Asset(stack, name, { path: dirname(file), exclude: ['*', '!bootstrap'] });
  resource.codeUri = { bucket: asset.s3BucketName, key: asset.s3ObjectKey };
}
if (found.size > 1) {
  throw new Error(`built for several architectures: ${[...found].map((pair) => pair.join(' ')).join(', ')}`);
}
