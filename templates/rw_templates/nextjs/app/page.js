export const dynamic = "force-dynamic"; // rendered for each request; remove it for a page that is made once

export default function Page() {
  return <h1>Hello from rw</h1>;
}
