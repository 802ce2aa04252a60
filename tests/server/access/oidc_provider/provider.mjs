// The OpenID provider program oidc-provider, with clients for each way to prove a client's identity.
//
// Run by tests/server/access/test_real_provider.py: prints its port; AHEAD_S seconds are added to its clock.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';

const clock = Date.now.bind(Date);
Date.now = () => clock() + Number(process.env.AHEAD_S ?? 0) * 1000;
const { Provider } = await import('oidc-provider');

const key = (type, options, about) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  ...about,
});
const client = (client_id, about) => ({
  client_id,
  client_secret: 'a secret: +%&=',
  redirect_uris: ['http://127.0.0.1:8787/login/callback'],
  post_logout_redirect_uris: ['http://127.0.0.1:8787/login'],
  ...about,
});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      client('basic', { token_endpoint_auth_method: 'client_secret_basic' }),
      client('post', { token_endpoint_auth_method: 'client_secret_post' }),
      client('public', { token_endpoint_auth_method: 'none', client_secret: undefined }),
      client('signed', { userinfo_signed_response_alg: 'RS256' }),
      client('ES256', { id_token_signed_response_alg: 'ES256' }),
      client('PS256', { id_token_signed_response_alg: 'PS256' }),
      client('Ed25519', { id_token_signed_response_alg: 'Ed25519' }),
    ],
    jwks: {
      keys: [
        key('rsa', { modulusLength: 2048 }, { kid: 'enc', use: 'enc', alg: 'RSA-OAEP' }),
        key('rsa', { modulusLength: 2048 }, { kid: 'rsa', use: 'sig' }),
        key('ec', { namedCurve: 'P-256' }, { kid: 'ec', use: 'sig' }),
        key('ed25519', {}, { kid: 'ed', use: 'sig' }),
      ],
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519'],
      userinfoSigningAlgValues: ['RS256'],
      requestObjectEncryptionAlgValues: ['RSA-OAEP'],
    },
    features: {
      encryption: { enabled: true }, // publishes a key that is not for signatures
      requestObjects: { enabled: true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    conformIdTokenClaims: true,
    cookies: { keys: ['a key of the test'] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: `${sub}@example.org`, groups: ['it-aubeclair', 'staff'] }),
    }),
  });
  server.on('request', provider.callback());
  console.log(port);
});
