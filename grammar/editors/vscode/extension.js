// Starts `safecotc serve editor` and hands it the .safecot files of the editor.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function activate(context) {
  if (!vscode.workspace.isTrusted) {
    context.subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(() => start(context)));
    return;
  }
  await start(context);
}

async function start(context) {
  const [command, ...args] = vscode.workspace.getConfiguration("safecot").get("command");
  const watcher = vscode.workspace.createFileSystemWatcher("**/*.safecot");
  context.subscriptions.push(watcher);
  client = new LanguageClient(
    "safecot",
    "SafeCoT policies",
    { command, args },
    {
      documentSelector: [{ language: "safecot" }],
      synchronize: { fileEvents: watcher },
    },
  );
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `\`${command}\` could not be started: ${error.message}. ` +
        "Install it with `pip install 'safecot-dsl[editor]'`, or say where it is in the setting `safecot.command`.",
    );
  }
}

async function deactivate() {
  await client?.stop();
}

module.exports = { activate, deactivate };
