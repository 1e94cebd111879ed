import { setNonce } from 'get-nonce';

/**
 * The nonce that the server wrote into the page. Mantine, CodeMirror and react-remove-scroll add styles while the page
 * runs, and the Content-Security-Policy lets only styles with this nonce in.
 */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
setNonce(nonce);
