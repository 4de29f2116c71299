package main

const version = "0"
