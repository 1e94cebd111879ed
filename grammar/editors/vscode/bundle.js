// Makes what the extension ships from what it is made of: one file of code, and copies of files that stand elsewhere.
"use strict";

const { copyFileSync, readdirSync, readFileSync, writeFileSync } = require("fs");
const path = require("path");
const esbuild = require("esbuild");

copyFileSync("../safecot.tmLanguage.json", "safecot.tmLanguage.json");
copyFileSync("../../../LICENSE", "LICENSE.txt");

const { metafile } = esbuild.buildSync({
  entryPoints: ["extension.js"],
  bundle: true,
  platform: "node",
  target: "node18", // what Visual Studio Code 1.82 has
  external: ["vscode"],
  minify: true,
  outfile: "dist/extension.js",
  metafile: true,
});

// The licences of the packages whose code is in the bundle ask that their text goes with it.
const packages = new Set();
for (const file of Object.keys(metafile.inputs)) {
  const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
  if (found) packages.add(found[1]);
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no text of its licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(folder, file), "utf8").trim()}\n`;
});
writeFileSync("dist/NOTICES.txt", notices.join(`\n${"-".repeat(80)}\n\n`));
